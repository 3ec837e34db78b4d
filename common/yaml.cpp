#include "common/yaml.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "common/error.h"
#include "common/read_file.h"
#include "common/suggestion.h"
#include "common/text.h"

namespace shiftsim {
namespace {

/// What a node is, for "found ...".
std::string describe(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a mapping";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return fmt::format("'{}'", node.Scalar());
    default:
      return "nothing";
  }
}

/// The text of a plain scalar; "4" in quotes is a string, not a number.
std::optional<std::string> plain(const YAML::Node& node) {
  if (!node.IsScalar() || node.Tag() == "!") return std::nullopt;
  return node.Scalar();
}

/// The whole of a plain scalar as a number; a leading '+' is allowed.
template <typename T>
std::optional<T> parse_number(const YAML::Node& node) {
  const auto text = plain(node);
  if (!text) return std::nullopt;
  const char* first = text->data();
  const char* last = first + text->size();
  if (first != last && *first == '+' && text->size() > 1 && text->at(1) != '-') ++first;
  T value{};
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc() || end != last) return std::nullopt;
  return value;
}

std::optional<double> parse_finite(const YAML::Node& node) {
  const auto value = parse_number<double>(node);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

/// A copy without places in a file, so that messages speak of --set.
YAML::Node unmarked(const YAML::Node& node) {
  YAML::Node copy;
  if (node.IsMap()) {
    copy = YAML::Node(YAML::NodeType::Map);
    for (const auto& entry : node) copy[entry.first.Scalar()] = unmarked(entry.second);
  } else if (node.IsSequence()) {
    copy = YAML::Node(YAML::NodeType::Sequence);
    for (const auto& element : node) copy.push_back(unmarked(element));
  } else if (node.IsScalar()) {
    copy = node.Scalar();
    copy.SetTag(node.Tag());
  }
  return copy;
}

std::string join_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

/// Through a const reference: yaml-cpp's other operator[] would insert the key.
YAML::Node lookup(const YAML::Node& map, const std::string& key) {
  return map[key];
}

}  // namespace

std::string yaml_text(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/'; };
  const auto plain_character = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  // Numbers and 'null' in quotes are texts.
  const bool is_plain = !text.empty() && letter(text.front()) && text != "null" && text != "Null" && text != "NULL" &&
                        std::all_of(text.begin(), text.end(), plain_character);
  if (is_plain) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted + "'";
}

std::string YamlScalar::yaml() const {
  return quoted ? yaml_text(text) : text;
}

YamlMap YamlMap::load(const std::filesystem::path& file) {
  const std::string content = read_file(file);
  YAML::Node root;
  try {
    root = YAML::Load(content);
  } catch (const YAML::Exception& error) {
    fail("{}:{}: malformed YAML: {}", file.string(), error.mark.line + 1, error.msg);
  }
  // An empty file gives a node without a place, which otherwise means --set.
  if (root.IsNull()) fail("{}: found nothing, expected a mapping: the file is empty", file.string());
  return YamlMap(root, file.string());
}

YamlMap::YamlMap(const YAML::Node& node, std::string file, std::string path)
    : node_(node),
      file_(std::move(file)),
      path_(std::move(path)),
      unmarked_(node_.IsDefined() && node_.Mark().is_null() ? file_ : "--set"),
      place_(node_.IsDefined() ? place_of(node_.Mark()) : file_),
      known_(std::make_shared<std::vector<std::string>>()) {
  check_keys();
}

YamlMap::YamlMap(const YAML::Node& node, const YamlMap& parent, std::string path)
    : node_(node),
      file_(parent.file_),
      path_(std::move(path)),
      unmarked_(parent.unmarked_),
      place_(place_of(node_.Mark())),
      known_(std::make_shared<std::vector<std::string>>()) {
  check_keys();
}

/// Where a node stands: "FILE:LINE". Only nodes that were made, as by apply_override, have no place in a file.
std::string YamlMap::place_of(const YAML::Mark& mark) const {
  return mark.is_null() ? unmarked_ : fmt::format("{}:{}", file_, mark.line + 1);
}

void YamlMap::check_keys() const {
  if (!node_.IsMap()) {
    fail("{}: {}found {}, expected a mapping", place_, path_.empty() ? "" : path_ + ": ", describe(node_));
  }
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) {
      fail("{}: found {} as a key, expected a word", place_of(entry.first.Mark()), describe(entry.first));
    }
    // yaml-cpp keeps both and reads the first: whoever wrote the second would be surprised.
    if (!seen.insert(entry.first.Scalar()).second) {
      fail("{}: {}: the key is there twice", place_of(entry.first.Mark()), join_path(path_, entry.first.Scalar()));
    }
  }
}

bool YamlMap::has(const std::string& key) const {
  known_->push_back(key);
  return lookup(node_, key).IsDefined();
}

bool YamlMap::is_map(const std::string& key) const {
  return has(key) && lookup(node_, key).IsMap();
}

std::string YamlMap::place(const std::string& key) const {
  std::string at = place_;
  for (const auto& entry : node_) {
    if (entry.first.Scalar() != key) continue;
    // The key's line: yaml-cpp puts an empty value on the next one. The value tells whether --set made it.
    at = place_of(entry.second.Mark().is_null() ? entry.second.Mark() : entry.first.Mark());
  }
  return at;
}

void YamlMap::error(const std::string& key, const std::string& message) const {
  fail("{}: {}: {}", place(key), join_path(path_, key), message);
}

YAML::Node YamlMap::require(const std::string& key) const {
  if (!has(key)) error(key, "the key is missing");
  return lookup(node_, key);
}

void YamlMap::wrong(const std::string& key, const YAML::Node& found, const std::string& expected) const {
  error(key, fmt::format("found {}, expected {}", describe(found), expected));
}

long YamlMap::get_int(const std::string& key, long low, long high) {
  const YAML::Node node = require(key);
  const auto value = parse_number<long>(node);
  if (!value || *value < low || *value > high) {
    wrong(key, node, fmt::format("an integer in [{}, {}]", low, high));
  }
  return *value;
}

long YamlMap::get_int(const std::string& key, long low, long high, long fallback) {
  return has(key) ? get_int(key, low, high) : fallback;
}

long YamlMap::get_int_or_word(const std::string& key, long low, long high, const std::string& word, long meaning,
                              long fallback) {
  if (!has(key)) return fallback;
  const YAML::Node node = require(key);
  if (node.IsScalar() && node.Scalar() == word) return meaning;
  const auto value = parse_number<long>(node);
  if (!value || *value < low || *value > high) {
    wrong(key, node, fmt::format("an integer in [{}, {}], or '{}'", low, high, word));
  }
  return *value;
}

double YamlMap::get_number(const std::string& key, double low, double high) {
  const YAML::Node node = require(key);
  const auto value = parse_finite(node);
  if (!value || *value < low || *value > high) wrong(key, node, fmt::format("a number in [{}, {}]", low, high));
  return *value;
}

double YamlMap::get_number(const std::string& key, double low, double high, double fallback) {
  return has(key) ? get_number(key, low, high) : fallback;
}

double YamlMap::get_number_or_word(const std::string& key, double low, double high, const std::string& word,
                                   double meaning, double fallback) {
  if (!has(key)) return fallback;
  const YAML::Node node = require(key);
  if (node.IsScalar() && node.Scalar() == word) return meaning;
  const auto value = parse_finite(node);
  if (!value || *value < low || *value > high)
    wrong(key, node, fmt::format("a number in [{}, {}], or '{}'", low, high, word));
  return *value;
}

bool YamlMap::get_bool(const std::string& key) {
  const YAML::Node node = require(key);
  bool value = false;
  if (!plain(node) || !YAML::convert<bool>::decode(node, value)) wrong(key, node, "true or false");
  return value;
}

bool YamlMap::get_bool(const std::string& key, bool fallback) {
  return has(key) ? get_bool(key) : fallback;
}

std::string YamlMap::get_string(const std::string& key) {
  const YAML::Node node = require(key);
  if (!node.IsScalar()) wrong(key, node, "text");
  if (!is_utf8(node.Scalar())) error(key, fmt::format("found '{}', expected UTF-8", ascii_only(node.Scalar())));
  return node.Scalar();
}

std::string YamlMap::get_string(const std::string& key, const std::string& fallback) {
  return has(key) ? get_string(key) : fallback;
}

std::string YamlMap::get_choice(const std::string& key, const std::vector<std::string>& choices) {
  const YAML::Node node = require(key);
  const std::string expected = fmt::format("one of {}", join(choices));
  if (!node.IsScalar()) wrong(key, node, expected);
  const std::string& value = node.Scalar();
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    wrong(key, node, expected + suggestion(value, choices));
  }
  return value;
}

std::string YamlMap::get_choice(const std::string& key, const std::vector<std::string>& choices,
                                const std::string& fallback) {
  return has(key) ? get_choice(key, choices) : fallback;
}

std::vector<double> YamlMap::get_numbers(const std::string& key) {
  const YAML::Node node = require(key);
  if (!node.IsSequence()) wrong(key, node, "a list of numbers");
  std::vector<double> values;
  for (const auto& element : node) {
    const auto value = parse_finite(element);
    if (!value) wrong(key, element, "a list of numbers");
    values.push_back(*value);
  }
  return values;
}

std::vector<long> YamlMap::get_ints(const std::string& key) {
  const YAML::Node node = require(key);
  if (!node.IsSequence()) wrong(key, node, "a list of integers");
  std::vector<long> values;
  for (const auto& element : node) {
    const auto value = parse_number<long>(element);
    if (!value) wrong(key, element, "a list of integers");
    values.push_back(*value);
  }
  return values;
}

std::vector<YamlScalar> YamlMap::get_scalars(const std::string& key) {
  const YAML::Node node = require(key);
  const auto scalar = [&](const YAML::Node& element) {
    if (!element.IsScalar()) wrong(key, element, "numbers and texts");
    return YamlScalar{element.Scalar(), !plain(element)};
  };
  if (!node.IsSequence()) return {scalar(node)};
  std::vector<YamlScalar> scalars;
  for (const auto& element : node) scalars.push_back(scalar(element));
  return scalars;
}

std::string YamlMap::get_yaml(const std::string& key) {
  YAML::Emitter text;
  text.SetMapFormat(YAML::Flow);
  text.SetSeqFormat(YAML::Flow);
  text << require(key);
  std::string line = text.c_str();
  std::replace(line.begin(), line.end(), '\n', ' ');  // the emitter breaks long ones
  return line;
}

YamlMap YamlMap::get_map(const std::string& key, bool optional) {
  if (optional && !has(key)) {
    YamlMap empty(YAML::Node(YAML::NodeType::Map), *this, join_path(path_, key));
    empty.place_ = place_;
    return empty;
  }
  const YAML::Node node = require(key);
  if (!node.IsMap()) wrong(key, node, "a mapping");
  return YamlMap(node, *this, join_path(path_, key));
}

std::vector<YamlMap> YamlMap::get_maps(const std::string& key) {
  const YAML::Node node = require(key);
  if (!node.IsSequence()) wrong(key, node, "a list of mappings");
  std::vector<YamlMap> maps;
  for (const auto& element : node) {
    maps.push_back(YamlMap(element, *this, fmt::format("{}[{}]", join_path(path_, key), maps.size())));
  }
  return maps;
}

std::vector<std::string> YamlMap::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : node_) names.push_back(entry.first.Scalar());
  return names;
}

void YamlMap::finish() const {
  for (const auto& entry : node_) {
    const std::string& key = entry.first.Scalar();
    if (std::find(known_->begin(), known_->end(), key) != known_->end()) continue;
    fail("{}: {}: unknown key{}", place_of(entry.first.Mark()), join_path(path_, key), suggestion(key, *known_));
  }
}

void apply_override(const YAML::Node& document, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) fail("--set {}: expected KEY=VALUE", assignment);
  YAML::Node value;
  try {
    value = unmarked(YAML::Load(assignment.substr(equals + 1)));
  } catch (const YAML::Exception& error) {
    fail("--set {}: malformed value: {}", assignment, error.msg);
  }
  // A Node is a reference to the document. Its operator= writes into what it refers to; reset() makes it refer
  // elsewhere.
  YAML::Node at = document;
  const std::string keys = assignment.substr(0, equals) + ".";
  for (std::size_t start = 0; start < keys.size();) {
    const std::size_t end = keys.find('.', start);
    const std::string key = keys.substr(start, end - start);
    if (key.empty()) fail("--set {}: expected KEY=VALUE with keys parted by single dots", assignment);
    YAML::Node next;
    if (at.IsSequence()) {
      std::size_t index = 0;
      const auto [stop, code] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (code != std::errc() || stop != key.data() + key.size() || index >= at.size()) {
        fail("--set {}: '{}' is not an index of a list of {} elements", assignment, key, at.size());
      }
      next.reset(at[index]);
    } else if (at.IsMap() || at.IsNull() || !at.IsDefined()) {
      next.reset(at[key]);
    } else {
      fail("--set {}: '{}' is below a key that holds {}, expected a mapping", assignment, key, describe(at));
    }
    at.reset(next);
    start = end + 1;
  }
  at = value;
}

}  // namespace shiftsim
