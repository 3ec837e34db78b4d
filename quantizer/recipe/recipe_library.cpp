#include "quantizer/recipe/recipe_library.h"

#include <algorithm>

#include "common/error.h"
#include "common/locations.h"
#include "common/suggestion.h"
#include "common/text.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

fs::path library() {
  return home_folder() / "configs" / "recipes";
}

}  // namespace

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(library()))
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path recipe_file(const std::string& recipe, const fs::path& folder, const std::string& where) {
  const bool is_path = recipe.find('/') != std::string::npos || recipe.ends_with(".yaml") || recipe.ends_with(".yml");
  if (is_path) return folder / recipe;
  const std::vector<std::string> names = recipe_names();
  if (std::find(names.begin(), names.end(), recipe) != names.end()) return library() / (recipe + ".yaml");
  fail("{}: found '{}', expected one of {}, or a file (with a '/' or the ending .yaml){}", where, recipe, join(names),
       suggestion(recipe, names));
}

bool is_library_recipe(const fs::path& file) {
  std::error_code none;
  return fs::equivalent(file.parent_path().empty() ? "." : file.parent_path(), library(), none);
}

}  // namespace shiftsim::quantizer
