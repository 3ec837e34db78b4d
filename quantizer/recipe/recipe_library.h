// The recipes that come with the program, by name: the files of configs/recipes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace shiftsim::quantizer {

/// In alphabetical order.
std::vector<std::string> recipe_names();

/// The file that 'recipe' means. A text with a '/' or the ending .yaml or .yml is a path, which counts from 'folder';
/// any other is a name. Throws UserError, which begins with 'where', for an unknown name; it lists all names and
/// suggests the nearest.
std::filesystem::path recipe_file(const std::string& recipe, const std::filesystem::path& folder,
                                  const std::string& where);

/// Whether the file is one of the program's own.
bool is_library_recipe(const std::filesystem::path& file);

}  // namespace shiftsim::quantizer
