// The page of a quantization.
#pragma once

#include <string>
#include <string_view>

namespace shiftsim::quantizer {

/// One HTML file that fetches nothing. 'json': the text of quantrun's report.
std::string quantization_page(std::string_view json);

}  // namespace shiftsim::quantizer
