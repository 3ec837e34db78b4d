// Pages to look at: a JSON report and all that shows it, in one HTML file that fetches nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace shiftsim {

/// A file that is built into the program.
struct PageFile {
  std::string_view name, content;
};

/// The template 'html', one of the files 'own', with each {{name}} replaced by the file of that name, of 'own' or of
/// this folder (page_head.html: head and style; page_scripts.html: data, charts, tables, number formats), and {{data}}
/// by the JSON. HTML files may hold names themselves. No text of the JSON can leave its script element. Throws an
/// internal error where there is no such file.
std::string fill_page(std::string_view html, std::span<const PageFile> own, std::string_view json);

}  // namespace shiftsim
