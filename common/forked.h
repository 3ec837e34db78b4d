// Work in child processes, for libraries that allow one of their kind a process.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace shiftsim {

/// Forks 'count' children; child i runs work(i) and hands its text back. The children share the parent's memory as it
/// was. Returns the texts in order. An exception in a child is thrown here as an error of the same kind (UserError or
/// InternalError), the first child's first; a child that dies is an InternalError. Where this thread's watcher stops
/// the work (watcher.h), the children are killed and Stopped is thrown. Not to be called while other threads hold locks
/// that a child needs.
std::vector<std::string> run_forked(std::size_t count, const std::function<std::string(std::size_t)>& work);

}  // namespace shiftsim
