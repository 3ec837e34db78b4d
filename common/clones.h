// Functions compiled for several instruction sets; the loader takes the best that the machine has.
#pragma once

// The sanitizers' runtime starts after the loader has to choose, so they get the plain one.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define SHIFTSIM_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SHIFTSIM_CLONES
#endif
#define SHIFTSIM_INLINE __attribute__((always_inline)) inline
