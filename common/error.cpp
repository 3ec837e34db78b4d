#include "common/error.h"

namespace shiftsim {

void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw InternalError(
      fmt::format("internal error at {}:{}: {} (check '{}' failed; please report it)", file, line, message, condition));
}

}  // namespace shiftsim
