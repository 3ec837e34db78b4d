// Keys of a YAML file, each declared once: name, type, range and meaning. Reader, printer, JSON and reference walk
// them.
#pragma once

#include <climits>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "common/text.h"
#include "common/yaml.h"

namespace shiftsim {

/// One key of the files that describe an Owner. 'path' is "section.key", or "key" at the top level.
template <typename Owner>
struct Setting {
  std::string path;
  std::string range;  ///< as the reference shows it: "4..64", "a file"
  std::string help;   ///< what it means, in one line
  /// Takes the value from its section's mapping; what the mapping does not have stays as it is. Relative paths count
  /// from 'folder'. Throws UserError with the value's place.
  std::function<void(YamlMap& section, const std::string& key, const std::filesystem::path& folder, Owner& owner)> read;
  std::function<nlohmann::ordered_json(const Owner& owner)> value;
  /// More for the printer that depends on other values; may be empty.
  std::function<std::string(const Owner& owner)> note;
  bool is_word = false;  ///< one of a few words, which YAML needs no quotes for

  std::string_view section() const {
    const std::string_view text = path;
    const std::size_t dot = text.find('.');
    return dot == std::string_view::npos ? std::string_view{} : text.substr(0, dot);
  }
  std::string key() const { return section().empty() ? path : path.substr(section().size() + 1); }
};

namespace setting {

/// An integer of any type in [low, high]. 'get': Owner& -> its reference.
template <typename Owner, typename Get>
Setting<Owner> integer(std::string path, long low, long high, std::string help, Get get) {
  std::string range = high >= INT_MAX ? fmt::format("{} or more", low) : fmt::format("{}..{}", low, high);
  return {std::move(path),
          std::move(range),
          std::move(help),
          [=](YamlMap& map, const std::string& key, const std::filesystem::path&, Owner& owner) {
            auto& value = get(owner);
            value = static_cast<std::remove_reference_t<decltype(value)>>(map.get_int(key, low, high, value));
          },
          [=](const Owner& owner) { return nlohmann::ordered_json(get(owner)); },
          {},
          false};
}

/// An integer in [low, high], or the word 'auto', which is kept as 'automatic'.
template <typename Owner, typename Get>
Setting<Owner> automatic_integer(std::string path, long low, long high, int automatic, std::string help, Get get) {
  Setting<Owner> setting = integer<Owner>(std::move(path), low, high, std::move(help), get);
  setting.range += ", auto";
  setting.read = [=](YamlMap& map, const std::string& key, const std::filesystem::path&, Owner& owner) {
    int& value = get(owner);
    value = static_cast<int>(map.get_int_or_word(key, low, high, "auto", automatic, value));
  };
  setting.value = [=](const Owner& owner) {
    return get(owner) == automatic ? nlohmann::ordered_json("auto") : nlohmann::ordered_json(get(owner));
  };
  return setting;
}

/// A finite number in [low, high].
template <typename Owner, typename Get>
Setting<Owner> number(std::string path, double low, double high, std::string help, Get get) {
  return {std::move(path),
          fmt::format("{}..{}", low, high),
          std::move(help),
          [=](YamlMap& map, const std::string& key, const std::filesystem::path&, Owner& owner) {
            get(owner) = map.get_number(key, low, high, get(owner));
          },
          [=](const Owner& owner) { return nlohmann::ordered_json(get(owner)); },
          {},
          false};
}

template <typename Owner, typename Get>
Setting<Owner> boolean(std::string path, std::string help, Get get) {
  return {std::move(path),
          "true, false",
          std::move(help),
          [=](YamlMap& map, const std::string& key, const std::filesystem::path&, Owner& owner) {
            get(owner) = map.get_bool(key, get(owner));
          },
          [=](const Owner& owner) { return nlohmann::ordered_json(get(owner)); },
          {},
          false};
}

template <typename Owner, typename Get>
Setting<Owner> text(std::string path, std::string range, std::string help, Get get) {
  return {std::move(path),
          std::move(range),
          std::move(help),
          [=](YamlMap& map, const std::string& key, const std::filesystem::path&, Owner& owner) {
            get(owner) = map.get_string(key, get(owner));
          },
          [=](const Owner& owner) { return nlohmann::ordered_json(get(owner)); },
          {},
          false};
}

/// One of a few values of an enumeration, by their names.
template <typename Owner, typename Value, typename Get>
Setting<Owner> choice(std::string path, std::vector<std::pair<std::string, Value>> names, std::string help, Get get) {
  std::vector<std::string> words;
  words.reserve(names.size());
  for (const auto& [word, value] : names) words.push_back(word);
  std::string range = join(words);
  return {std::move(path),
          std::move(range),
          std::move(help),
          [=](YamlMap& map, const std::string& key, const std::filesystem::path&, Owner& owner) {
            if (!map.has(key)) return;
            const std::string chosen = map.get_choice(key, words);
            for (const auto& [word, value] : names)
              if (word == chosen) get(owner) = value;
          },
          [=](const Owner& owner) {
            for (const auto& [word, value] : names)
              if (value == get(owner)) return nlohmann::ordered_json(word);
            return nlohmann::ordered_json();
          },
          {},
          true};
}

/// A file or folder, absolute once it is read. An empty text stays empty.
template <typename Owner, typename Get>
Setting<Owner> path(std::string where, std::string range, std::string help, Get get) {
  Setting<Owner> setting = text<Owner>(std::move(where), std::move(range), std::move(help), get);
  setting.read = [=](YamlMap& map, const std::string& key, const std::filesystem::path& folder, Owner& owner) {
    if (!map.has(key)) return;
    const std::string written = map.get_string(key);
    get(owner) = written.empty() ? std::string() : (folder / written).lexically_normal().string();
  };
  return setting;
}

/// Reads one mapping over what 'owner' holds. Keys that no setting has are left for YamlMap::finish() of their section;
/// the root's is the caller's to call.
template <typename Owner>
void read(const std::vector<Setting<Owner>>& settings, YamlMap& root, const std::filesystem::path& folder,
          Owner& owner) {
  std::vector<std::pair<std::string, YamlMap>> sections;
  for (const Setting<Owner>& setting : settings) {
    if (setting.section().empty()) {
      setting.read(root, setting.path, folder, owner);
      continue;
    }
    if (sections.empty() || sections.back().first != setting.section()) {
      if (!sections.empty()) sections.back().second.finish();
      sections.emplace_back(setting.section(), root.get_map(std::string(setting.section()), true));
    }
    setting.read(sections.back().second, setting.key(), folder, owner);
  }
  if (!sections.empty()) sections.back().second.finish();
}

/// All values, as JSON objects by section.
template <typename Owner>
nlohmann::ordered_json to_json(const std::vector<Setting<Owner>>& settings, const Owner& owner) {
  nlohmann::ordered_json json;
  for (const Setting<Owner>& setting : settings) {
    if (setting.section().empty()) {
      json[setting.path] = setting.value(owner);
    } else {
      json[std::string(setting.section())][setting.key()] = setting.value(owner);
    }
  }
  return json;
}

/// What stands beside a section's name in the printed file.
struct SectionNote {
  std::string_view section, note;
};

/// A value as YAML reads it.
inline std::string scalar(const nlohmann::ordered_json& value, bool is_word) {
  if (value.is_string() && is_word) return value.get<std::string>();
  return value.is_number_float() ? fmt::format("{}", value.get<double>()) : value.dump();
}

/// All keys with values, ranges and meanings, as YAML that reads back to the same.
template <typename Owner>
std::string to_yaml(const std::vector<Setting<Owner>>& settings, const std::vector<SectionNote>& notes,
                    const Owner& owner) {
  std::string yaml;
  std::string_view section;
  for (const Setting<Owner>& setting : settings) {
    if (setting.section() != section) {
      section = setting.section();
      yaml += "\n";
      if (!section.empty()) {
        std::string heading = fmt::format("{}:", section);
        for (const SectionNote& note : notes)
          if (note.section == section) heading = fmt::format("{:<28} # {}", heading, note.note);
        yaml += heading + "\n";
      }
    }
    const std::string entry = fmt::format("{}{}: {}", section.empty() ? "" : "  ", setting.key(),
                                          scalar(setting.value(owner), setting.is_word));
    const std::string note = setting.note ? "; " + setting.note(owner) : "";
    yaml += fmt::format("{:<28} # {}: {}{}\n", entry, setting.range, setting.help, note);
  }
  return yaml;
}

}  // namespace setting
}  // namespace shiftsim
