#include "common/guarded_main.h"

#include <cstdio>
#include <exception>
#include <filesystem>

#include <fmt/format.h>

#include "common/error.h"

namespace shiftsim {

int guarded_main(const std::string& program, const std::function<int()>& work) {
  try {
    return work();
  } catch (const UserError& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return kBadInput;
  } catch (const std::filesystem::filesystem_error& error) {
    fmt::print(stderr, "{}: {}: {}\n", program, error.path1().string(), error.code().message());
    return kBadInput;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: internal error: {}\nPlease report it, with the command and its files.\n", program,
               error.what());
    return kInternalError;
  }
}

}  // namespace shiftsim
