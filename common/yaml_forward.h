// Names of common/yaml.h for headers that need no more: yaml-cpp takes a compiler long to read.
#pragma once

namespace YAML {
class Node;
}

namespace shiftsim {
class YamlMap;
struct YamlScalar;
}  // namespace shiftsim
