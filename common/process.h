// Other programs, started with an argument list: no shell reads what a user wrote.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace shiftsim {

/// Runs a program and waits for it. 'arguments': the program (looked up in PATH where it has no '/'), then its
/// arguments as they are. Standard output and error go to 'log', which is written anew; standard input is empty.
/// Returns the exit status: 127 where there is no such program, 128 + signal where a signal ended it. Throws UserError
/// where 'log' cannot be written.
int run_process(const std::vector<std::string>& arguments, const std::filesystem::path& log);

/// Runs a program and gives what it printed on standard output; empty where it could not be run.
std::string process_output(const std::vector<std::string>& arguments);

}  // namespace shiftsim
