// What a user may have meant by a name that nothing has.
#pragma once

#include <string>
#include <vector>

namespace shiftsim {

/// The nearest of 'known' to 'word' by edit distance, or "" if none is near enough to suggest.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

/// The end of a message about 'word': "; did you mean 'NEAREST'?", or "" if none is near enough.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

}  // namespace shiftsim
