// YAML files of users, read strictly: unknown keys, wrong types and values out of range are errors with file and line.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace shiftsim {

/// A scalar as it stands in a document.
struct YamlScalar {
  std::string text;
  bool quoted = false;  ///< "4" in quotes is text, not a number

  /// YAML that reads back to the same.
  std::string yaml() const;
};

/// A text as a YAML scalar that reads back to it: as it is where that is plain, else in quotes.
std::string yaml_text(std::string_view text);

/// One mapping of a YAML document with its place in the file ("array.rows"). Each key that is read is remembered;
/// finish() then rejects keys that nobody asked for and suggests the nearest known one. All errors are UserError:
/// "FILE:LINE: KEY: found ..., expected ...".
class YamlMap {
public:
  /// The root of FILE (must be a mapping). Missing or malformed files are UserErrors with the parser's line.
  static YamlMap load(const std::filesystem::path& file);
  /// A mapping node already at hand (--set overrides, a caller's mapping, tests); 'file' is only for messages. Nodes
  /// that were made rather than read have no line: where the whole mapping was made messages say 'file', else "--set".
  YamlMap(const YAML::Node& node, std::string file, std::string path = "");

  bool has(const std::string& key) const;
  /// Whether the key is there and holds a mapping.
  bool is_map(const std::string& key) const;

  /// A required or (with a fallback) optional integer in [low, high].
  long get_int(const std::string& key, long low, long high);
  long get_int(const std::string& key, long low, long high, long fallback);
  /// The same, or 'word', which stands for 'meaning'; 'fallback' where the key is missing.
  long get_int_or_word(const std::string& key, long low, long high, const std::string& word, long meaning,
                       long fallback);
  /// A finite number in [low, high].
  double get_number(const std::string& key, double low, double high);
  double get_number(const std::string& key, double low, double high, double fallback);
  /// The same, or 'word', which stands for 'meaning'.
  double get_number_or_word(const std::string& key, double low, double high, const std::string& word, double meaning,
                            double fallback);
  bool get_bool(const std::string& key);
  bool get_bool(const std::string& key, bool fallback);
  std::string get_string(const std::string& key);
  std::string get_string(const std::string& key, const std::string& fallback);
  /// One of 'choices', else an error that lists them and suggests the nearest.
  std::string get_choice(const std::string& key, const std::vector<std::string>& choices);
  std::string get_choice(const std::string& key, const std::vector<std::string>& choices, const std::string& fallback);
  std::vector<double> get_numbers(const std::string& key);
  std::vector<long> get_ints(const std::string& key);
  /// A list of scalars of any type, or one scalar alone.
  std::vector<YamlScalar> get_scalars(const std::string& key);
  /// Whatever the key holds, as one line of YAML.
  std::string get_yaml(const std::string& key);
  /// A nested mapping: required, or empty where 'optional' and missing.
  YamlMap get_map(const std::string& key, bool optional = false);
  /// A sequence of mappings.
  std::vector<YamlMap> get_maps(const std::string& key);
  /// The keys in file order, for mappings whose keys are names (e.g. layer names). Marks none as read.
  std::vector<std::string> keys() const;

  /// Rejects keys never asked for. Call once per mapping when all is read.
  void finish() const;
  /// "FILE:LINE" of a key; of the mapping where it is missing.
  std::string place(const std::string& key) const;
  /// Raises a UserError at this key's line.
  [[noreturn]] void error(const std::string& key, const std::string& message) const;

private:
  /// The node of a key that must be there.
  YAML::Node require(const std::string& key) const;
  /// "KEY: found ..., expected ..."
  [[noreturn]] void wrong(const std::string& key, const YAML::Node& found, const std::string& expected) const;

  /// The mapping below; 'parent' says what stands for the place of nodes that have none.
  YamlMap(const YAML::Node& node, const YamlMap& parent, std::string path);
  void check_keys() const;
  std::string place_of(const YAML::Mark& mark) const;

  YAML::Node node_;
  std::string file_, path_;
  std::string unmarked_;  ///< the place of nodes that were not read from a file
  std::string place_;     ///< FILE:LINE of the mapping, where missing keys are reported
  std::shared_ptr<std::vector<std::string>> known_;
};

/// Applies "a.b.c=value" to a document (value parsed as YAML). Throws UserError if it is malformed. Whether the key
/// exists is checked by the reader afterwards, which reports the file as "--set".
void apply_override(const YAML::Node& document, const std::string& assignment);

}  // namespace shiftsim
