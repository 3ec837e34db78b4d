// An axis of a sweep: keys of the configuration, and the values that they take together.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/yaml_forward.h"

namespace shiftsim::sim {

struct AxisValue {
  std::string written;  ///< as the sweep file has it
  std::string yaml;     ///< what --set takes, from any folder
};

/// One step sets all keys. Most axes have one key; those of 'zip' have more.
struct Axis {
  std::vector<std::string> keys;
  std::vector<std::vector<AxisValue>> steps;  ///< a value of each key
};

/// The values of a key: a list, {from, to, times} or {from, to, step}. Throws UserError at the key's line: an empty
/// list, a range that does not end, more than 10^7 values.
std::vector<YamlScalar> axis_scalars(YamlMap& map, const std::string& key);

}  // namespace shiftsim::sim
