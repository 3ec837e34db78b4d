// What both programs' main() do with errors: a message on stderr and the exit status of docs and README.
#pragma once

#include <functional>
#include <string>

namespace shiftsim {

enum ExitStatus { kDone = 0, kInternalError = 1, kBadInput = 2 };

/// Runs 'work' and returns its status. A UserError or an error of the file system is kBadInput, anything else
/// kInternalError. 'program' begins the message.
int guarded_main(const std::string& program, const std::function<int()>& work);

}  // namespace shiftsim
