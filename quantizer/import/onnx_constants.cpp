#include "quantizer/import/onnx_constants.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/text.h"

namespace shiftsim::quantizer {

namespace {

/// One folding; its member functions are the operators.
class Folder {
public:
  Folder(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs,
         const std::function<void(const std::string&)>& fail)
      : node_(node), inputs_(inputs), fail_(fail) {}

  std::optional<Constant> run() {
    const std::string& op = node_.op_type();
    if (inputs_.empty()) return std::nullopt;
    if (op == "Identity" || op == "Dropout") return in(0);
    if (op == "Cast") return cast();
    if (op == "Reshape") return reshape();
    if (op == "Squeeze" || op == "Unsqueeze") return squeeze_unsqueeze();
    if (op == "Transpose") return transpose();
    if (op == "Concat") return concat();
    if (op == "Gather") return gather();
    if (op == "Slice") return slice();
    if (op == "ConstantOfShape") return constant_of_shape();
    if (op == "Shape") return shape();
    if (op == "Sqrt") return sqrt();
    if (op == "Expand") return expand();
    if (op == "Where") return where();
    if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Equal") return elementwise();
    return std::nullopt;
  }

private:
  /// Raises the caller's error; 'fail_' throws.
  [[noreturn]] void reject(const std::string& message) const {
    fail_(message);
    std::abort();
  }

  const Constant& in(std::size_t index) const {
    if (index >= inputs_.size() || inputs_[index] == nullptr) reject(fmt::format("input {} is missing", index));
    return *inputs_[index];
  }

  const onnx::AttributeProto* attribute(const std::string& name) const {
    for (const auto& candidate : node_.attribute())
      if (candidate.name() == name) return &candidate;
    return nullptr;
  }

  std::int64_t attribute_int(const std::string& name, std::int64_t fallback) const {
    const auto* found = attribute(name);
    return found != nullptr ? found->i() : fallback;
  }

  std::vector<std::int64_t> list(const std::string& name, std::size_t index) const {
    if (index < inputs_.size() && inputs_[index] != nullptr) {
      if (inputs_[index]->is_float) reject(fmt::format("input {} holds floats, expected integers", index));
      return inputs_[index]->ints;
    }
    const auto* found = attribute(name);
    if (found == nullptr) return {};
    return {found->ints().begin(), found->ints().end()};
  }

  static std::int64_t elements(const std::vector<std::int64_t>& dims) {
    return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
  }

  /// No weight of a network that fits a machine has more elements.
  void check_size(const std::vector<std::int64_t>& dims) const {
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    std::int64_t fits = 1;
    for (const std::int64_t dim : dims) fits = dim < 0 || fits > kMost ? kMost + 1 : fits * dim;
    if (fits > kMost) reject(fmt::format("fills [{}] elements, expected at most 2^31", join(dims)));
  }

  Constant cast() const {
    using Proto = onnx::TensorProto;
    const Constant& x = in(0);
    const std::int64_t to = attribute_int("to", Proto::FLOAT);
    const bool to_float = to == Proto::FLOAT || to == Proto::DOUBLE || to == Proto::FLOAT16 || to == Proto::BFLOAT16;
    Constant result{x.dims, {}, {}, to_float};
    if (to_float == x.is_float) return x;
    for (const auto value : x.ints) result.floats.push_back(static_cast<float>(value));
    for (const auto value : x.floats) result.ints.push_back(static_cast<std::int64_t>(value));
    return result;
  }

  Constant reshape() const {
    Constant result = in(0);
    const auto target = list("shape", 1);
    const auto total = static_cast<std::int64_t>(result.size());
    std::vector<std::int64_t> dims = target;
    std::int64_t known = 1;
    std::size_t open = dims.size();
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] == 0 && i < result.dims.size()) dims[i] = result.dims[i];
      if (dims[i] == -1 && open == dims.size())
        open = i;
      else if (dims[i] < 0)
        reject(fmt::format("reshapes a constant to [{}]", join(target)));
      else
        known *= dims[i];
    }
    if (open < dims.size()) dims[open] = known > 0 ? total / known : 0;
    if (elements(dims) != total) reject(fmt::format("reshapes {} elements to [{}]", total, join(target)));
    result.dims = dims;
    return result;
  }

  Constant squeeze_unsqueeze() const {
    Constant result = in(0);
    auto axes = list("axes", 1);
    const bool adds = node_.op_type() == "Unsqueeze";
    const auto rank = static_cast<std::int64_t>(result.dims.size() + (adds ? axes.size() : 0));
    for (auto& axis : axes) {
      axis = axis < 0 ? axis + rank : axis;
      if (axis < 0 || axis >= rank) reject(fmt::format("axis {} of a tensor of rank {}", axis, rank));
    }
    const auto named = [&](std::int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
    std::vector<std::int64_t> dims;
    if (adds) {
      std::size_t next = 0;
      for (std::int64_t i = 0; i < rank; ++i)
        dims.push_back(named(i) || next >= result.dims.size() ? 1 : result.dims[next++]);
    } else {
      for (std::int64_t i = 0; i < rank; ++i) {
        const std::int64_t size = result.dims[static_cast<std::size_t>(i)];
        const bool drop = axes.empty() ? size == 1 : named(i);
        if (drop && size != 1) reject(fmt::format("squeezes an axis of size {}", size));
        if (!drop) dims.push_back(size);
      }
    }
    result.dims = dims;
    return result;
  }

  Constant transpose() const {
    const Constant& x = in(0);
    const std::size_t rank = x.dims.size();
    auto order = list("perm", 1);
    if (order.empty())
      for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<std::int64_t>(i));
    auto sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i)
      if (sorted.size() != rank || sorted[i] != static_cast<std::int64_t>(i))
        reject(fmt::format("perm [{}] for a tensor of rank {}", join(order), rank));
    std::vector<std::size_t> strides(rank, 1);
    for (std::size_t i = rank; i-- > 1;) strides[i - 1] = strides[i] * static_cast<std::size_t>(x.dims[i]);
    Constant result{{}, {}, {}, x.is_float};
    for (const auto axis : order) result.dims.push_back(x.dims[static_cast<std::size_t>(axis)]);
    std::vector<std::int64_t> index(rank, 0);
    for (std::size_t n = 0; n < x.size(); ++n) {
      std::size_t from = 0;
      for (std::size_t i = 0; i < rank; ++i)
        from += static_cast<std::size_t>(index[i]) * strides[static_cast<std::size_t>(order[i])];
      if (x.is_float)
        result.floats.push_back(x.floats[from]);
      else
        result.ints.push_back(x.ints[from]);
      for (std::size_t i = rank; i-- > 0;) {
        if (++index[i] < result.dims[i]) break;
        index[i] = 0;
      }
    }
    return result;
  }

  Constant concat() const {
    Constant result{{0}, {}, {}, in(0).is_float};
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (in(i).dims.size() > 1 || in(i).is_float != result.is_float)
        reject("concatenates constants that are not lists");
      result.floats.insert(result.floats.end(), in(i).floats.begin(), in(i).floats.end());
      result.ints.insert(result.ints.end(), in(i).ints.begin(), in(i).ints.end());
    }
    result.dims = {static_cast<std::int64_t>(result.size())};
    return result;
  }

  Constant gather() const {
    const Constant& x = in(0);
    const Constant& indices = in(1);
    if (x.dims.size() != 1 || indices.is_float) reject("gathers from a constant that is not a list");
    Constant result{indices.dims, {}, {}, x.is_float};
    const auto size = static_cast<std::int64_t>(x.size());
    for (std::int64_t index : indices.ints) {
      index = index < 0 ? index + size : index;
      if (index < 0 || index >= size) reject(fmt::format("gathers element {} of {}", index, size));
      if (x.is_float)
        result.floats.push_back(x.floats[static_cast<std::size_t>(index)]);
      else
        result.ints.push_back(x.ints[static_cast<std::size_t>(index)]);
    }
    return result;
  }

  Constant slice() const {
    const Constant& x = in(0);
    const auto starts = list("starts", 1), ends = list("ends", 2), steps = list("steps", 4);
    if (x.dims.size() != 1 || starts.size() != 1 || ends.size() != 1 || (!steps.empty() && steps[0] != 1))
      reject("slices a constant in other ways than a list by one step");
    const auto size = static_cast<std::int64_t>(x.size());
    const auto clip = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size); };
    const auto begin = clip(starts[0]), end = std::max(clip(starts[0]), clip(ends[0]));
    Constant result{{end - begin}, {}, {}, x.is_float};
    if (x.is_float)
      result.floats.assign(x.floats.begin() + begin, x.floats.begin() + end);
    else
      result.ints.assign(x.ints.begin() + begin, x.ints.begin() + end);
    return result;
  }

  Constant constant_of_shape() const {
    if (in(0).is_float) reject("takes a shape of floats");
    Constant result{in(0).ints, {}, {}, true};
    check_size(result.dims);
    const std::int64_t count = elements(result.dims);
    const auto* value = attribute("value");
    Constant fill = value != nullptr ? read_tensor(value->t(), "") : Constant{{1}, {0.0f}, {}, true};
    if (fill.size() != 1) reject("takes a value of more than one element");
    result.is_float = fill.is_float;
    if (fill.is_float)
      result.floats.assign(static_cast<std::size_t>(count), fill.floats[0]);
    else
      result.ints.assign(static_cast<std::size_t>(count), fill.ints[0]);
    return result;
  }

  Constant shape() const { return {{static_cast<std::int64_t>(in(0).dims.size())}, {}, in(0).dims, false}; }

  Constant sqrt() const {
    Constant result = in(0);
    if (!result.is_float) reject("of integers");
    for (float& value : result.floats) value = std::sqrt(value);
    return result;
  }

  /// The shape that all of these have together, by NumPy's rules.
  std::vector<std::int64_t> common_shape(const std::vector<const Constant*>& values) const {
    std::vector<std::int64_t> dims;
    for (const Constant* value : values) {
      if (value->dims.size() > dims.size()) dims.insert(dims.begin(), value->dims.size() - dims.size(), 1);
      const std::size_t missing = dims.size() - value->dims.size();
      for (std::size_t i = 0; i < value->dims.size(); ++i) {
        std::int64_t& dim = dims[missing + i];
        if (dim != 1 && value->dims[i] != 1 && dim != value->dims[i])
          reject(fmt::format("of two constants of shapes that do not go together: [{}] and [{}]",
                             join(values.front()->dims), join(value->dims)));
        dim = dim == 1 ? value->dims[i] : dim;
      }
    }
    check_size(dims);
    return dims;
  }

  /// For each element of a constant in this shape, the element of 'value' that stands for it.
  static std::vector<std::size_t> repeated_places(const Constant& value, const std::vector<std::int64_t>& dims) {
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

  Constant expand() const {
    const Constant target{list("shape", 1), {}, {}, false};
    const Constant& x = in(0);
    Constant result{common_shape({&x, &target}), {}, {}, x.is_float};
    for (const std::size_t place : repeated_places(x, result.dims)) append(x, place, result);
    return result;
  }

  Constant where() const {
    const Constant &condition = in(0), &x = in(1), &y = in(2);
    if (condition.is_float || x.is_float != y.is_float) reject("mixes floats and integers");
    Constant result{common_shape({&condition, &x, &y}), {}, {}, x.is_float};
    const auto chosen = repeated_places(condition, result.dims);
    const auto of_x = repeated_places(x, result.dims), of_y = repeated_places(y, result.dims);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const bool first = condition.ints[chosen[i]] != 0;
      append(first ? x : y, first ? of_x[i] : of_y[i], result);
    }
    return result;
  }

  static void append(const Constant& from, std::size_t place, Constant& to) {
    if (from.is_float)
      to.floats.push_back(from.floats[place]);
    else
      to.ints.push_back(from.ints[place]);
  }

  /// Add, Sub, Mul, Div; Equal gives 0 or 1.
  Constant elementwise() const {
    const Constant& a = in(0);
    const Constant& b = in(1);
    if (a.is_float != b.is_float) reject("mixes floats and integers");
    const std::string& op = node_.op_type();
    Constant result{common_shape({&a, &b}), {}, {}, a.is_float && op != "Equal"};
    const auto compute = [&](auto x, auto y) {
      if (op == "Add") return x + y;
      if (op == "Sub") return x - y;
      if (op == "Mul") return x * y;
      if constexpr (std::is_integral_v<decltype(y)>)
        if (y == 0) reject("divides by 0");
      return x / y;
    };
    const auto of_a = repeated_places(a, result.dims), of_b = repeated_places(b, result.dims);
    for (std::size_t i = 0; i < of_a.size(); ++i) {
      const std::size_t p = of_a[i], q = of_b[i];
      if (op == "Equal")
        result.ints.push_back(a.is_float ? a.floats[p] == b.floats[q] : a.ints[p] == b.ints[q]);
      else if (a.is_float)
        result.floats.push_back(compute(a.floats[p], b.floats[q]));
      else
        result.ints.push_back(compute(a.ints[p], b.ints[q]));
    }
    return result;
  }

  const onnx::NodeProto& node_;
  const std::vector<const Constant*>& inputs_;
  const std::function<void(const std::string&)>& fail_;
};

}  // namespace

std::optional<Constant> evaluate_constant(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs,
                                          const std::function<void(const std::string&)>& fail) {
  return Folder(node, inputs, fail).run();
}

}  // namespace shiftsim::quantizer
