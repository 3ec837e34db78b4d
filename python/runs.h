// quantize, simulate and sweep.
#pragma once

#include <pybind11/pybind11.h>

namespace shiftsim::python {

void bind_quantize(pybind11::module_& module);
void bind_simulate(pybind11::module_& module);
void bind_sweep(pybind11::module_& module);

}  // namespace shiftsim::python
