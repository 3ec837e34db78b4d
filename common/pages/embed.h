// Files built into a program, as a table of names and contents.
#pragma once

/// ENTRY of a list of files: puts the file's content into the program. 'symbol': a name for the linker, unique in the
/// project; 'file': the file's name, which the assembler looks for in the folders that shiftsim_embed() of CMake gives
/// it.
#define SHIFTSIM_EMBED(symbol, file)         \
  asm(".pushsection .rodata\n"               \
      "shiftsim_" #symbol                    \
      ":\n"                                  \
      ".incbin \"" file                      \
      "\"\n"                                 \
      "shiftsim_" #symbol                    \
      "_end:\n"                              \
      ".popsection\n");                      \
  extern "C" const char shiftsim_##symbol[]; \
  extern "C" const char shiftsim_##symbol##_end[];

/// ENTRY of the same list: the row of the table, a PageFile.
#define SHIFTSIM_EMBEDDED(symbol, file) {file, {shiftsim_##symbol, shiftsim_##symbol##_end}},
