// Long work of the libraries, called from Python.
#pragma once

#include <functional>

#include <pybind11/pybind11.h>

namespace shiftsim::python {

/// Runs 'work' in a thread of its own while Python's lock is released, and returns when it is done; its exception is
/// thrown here. Meanwhile, ten times a second, 'progress' (None: nobody) is called with (what, done, total, unit), and
/// signals are handled: Ctrl-C, or an exception of 'progress', stops the work and is raised. Needs Python's lock.
void run_watched(const pybind11::object& progress, const std::function<void()>& work);

}  // namespace shiftsim::python
