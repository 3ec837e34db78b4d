#include "quantizer/import/constant_folding/broadcast.h"

#include <fmt/format.h>

#include <utility>

#include "common/text.h"

namespace shiftsim::quantizer {

std::vector<std::int64_t> common_shape(const FoldedNode& node, const std::vector<const Constant*>& values) {
  std::vector<std::int64_t> dims;
  for (const Constant* value : values) {
    if (value->dims.size() > dims.size()) dims.insert(dims.begin(), value->dims.size() - dims.size(), 1);
    const std::size_t missing = dims.size() - value->dims.size();
    for (std::size_t i = 0; i < value->dims.size(); ++i) {
      std::int64_t& dim = dims[missing + i];
      if (dim != 1 && value->dims[i] != 1 && dim != value->dims[i])
        node.reject(fmt::format("of two constants of shapes that do not go together: [{}] and [{}]",
                                join(values.front()->dims), join(value->dims)));
      dim = dim == 1 ? value->dims[i] : dim;
    }
  }
  node.check_size(dims);
  return dims;
}

std::vector<std::size_t> repeated_places(const Constant& value, const std::vector<std::int64_t>& dims) {
  std::vector<std::size_t> places{0};
  std::size_t stride = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    const std::size_t missing = dims.size() - value.dims.size();
    const std::int64_t own = i < missing ? 1 : value.dims[i - missing];
    std::vector<std::size_t> outer;
    for (std::int64_t n = 0; n < dims[i]; ++n)
      for (const std::size_t place : places)
        outer.push_back(place + (own == 1 ? 0 : static_cast<std::size_t>(n) * stride));
    places = std::move(outer);
    stride *= static_cast<std::size_t>(own);
  }
  return places;
}

}  // namespace shiftsim::quantizer
