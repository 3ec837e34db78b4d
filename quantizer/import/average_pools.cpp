#include "quantizer/import/average_pools.h"

#include <set>
#include <utility>
#include <vector>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

/// One side of a pool: its window, and the map that it slides over.
struct Side {
  int size, kernel, stride, dilation, before, after;
  int counted_after;  ///< of 'after', what counts in the mean where padding does
  int outputs;
};

/// Neighbouring outputs along one side whose windows have the same taps inside the map, and the same divisor.
struct Run {
  int count = 1;
  int first = 0;    ///< input of the first output's first tap
  int taps = 1;     ///< inside the map
  int divisor = 1;  ///< this side's factor of it
};

/// Input rows or columns that a run's windows cover.
int span(const Run& run, const Side& side) {
  return (run.count - 1) * side.stride + (run.taps - 1) * side.dilation + 1;
}

/// Empty where a window has no pixel.
std::vector<Run> runs_of(const Side& side, bool count_pads) {
  std::vector<Run> runs;
  for (int o = 0; o < side.outputs; ++o) {
    Run next;
    next.taps = 0;
    next.divisor = 0;
    for (int t = 0; t < side.kernel; ++t) {
      const int at = o * side.stride - side.before + t * side.dilation;
      const bool inside = at >= 0 && at < side.size;
      if (inside && next.taps++ == 0) next.first = at;
      if (inside || (count_pads && at < side.size + side.counted_after)) ++next.divisor;
    }
    if (next.taps == 0) return {};
    const bool goes_on = !runs.empty() && runs.back().taps == next.taps && runs.back().divisor == next.divisor &&
                         runs.back().first + runs.back().count * side.stride == next.first;
    if (goes_on)
      ++runs.back().count;
    else
      runs.push_back(next);
  }
  return runs;
}

/// A pool whose divisor is one for all pixels.
void make_convolution(Node& pool, int channels, int divisor) {
  pool.kind = NodeKind::kConv;
  pool.groups = channels;
  pool.weight.assign(static_cast<std::size_t>(channels) * pool.window.taps(), 1.0f / static_cast<float>(divisor));
  pool.bias.assign(static_cast<std::size_t>(channels), 0.0f);
  pool.fixed_weights = true;
}

class Converter {
public:
  Converter(Graph graph, const std::string& where) : graph_(std::move(graph)), where_(where) {}

  Graph run() {
    std::vector<Node> before = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (const Node& node : before) names_.insert(node.name);
    std::vector<int> place;  // of each old node its new index
    for (Node& node : before) {
      for (int& input : node.inputs) input = place[static_cast<std::size_t>(input)];
      if (node.kind == NodeKind::kAveragePool)
        convert(std::move(node));
      else
        graph_.nodes.push_back(std::move(node));
      place.push_back(last());
    }
    return std::move(graph_);
  }

private:
  int last() const { return static_cast<int>(graph_.nodes.size()) - 1; }

  std::string unique(const std::string& wanted) {
    std::string name = wanted;
    for (int copy = 2; !names_.insert(name).second; ++copy) name = fmt::format("{}_{}", wanted, copy);
    return name;
  }

  /// Appends what a pool becomes; its output is that of the last node.
  void convert(Node pool) {
    const Shape in = graph_.at(pool.inputs[0]).shape;
    const Window& w = pool.window;
    const bool reaches_over = pool.over_bottom > 0 || pool.over_right > 0;
    if (!w.padded() || (pool.count_pads && !reaches_over)) return append_whole(std::move(pool), in);
    const Side down{in.height,
                    w.kernel_h,
                    w.stride_h,
                    w.dilation_h,
                    w.pad_top,
                    w.pad_bottom,
                    w.pad_bottom - pool.over_bottom,
                    pool.shape.height};
    const Side right{
        in.width,        w.kernel_w, w.stride_w, w.dilation_w, w.pad_left, w.pad_right, w.pad_right - pool.over_right,
        pool.shape.width};
    const std::vector<Run> rows = runs_of(down, pool.count_pads);
    const std::vector<Run> columns = runs_of(right, pool.count_pads);
    if (rows.empty() || columns.empty())
      fail("{}: node '{}': found a window that lies in the padding alone, expected a pixel to average", where_,
           pool.name);
    int map = -1;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      int line = -1;
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const std::string part = rows.size() * columns.size() > 1 ? fmt::format("_{}_{}", r, c) : "";
        append_part(pool, part, rows[r], down, columns[c], right);
        line = joined(line, last(), qnet::JoinAxis::kWidth, pool.name + "_line");
      }
      map = joined(map, line, qnet::JoinAxis::kHeight, pool.name + "_map");
    }
  }

  void append_whole(Node pool, const Shape& in) {
    const Window& window = pool.window;
    if (!window.padded() && window.kernel_h == in.height && window.kernel_w == in.width) {
      pool.kind = NodeKind::kGlobalPool;
      pool.window = {};
    } else {
      make_convolution(pool, in.channels, static_cast<int>(window.taps()));
    }
    graph_.nodes.push_back(std::move(pool));
  }

  /// The part of a pool that one run of rows and one of columns give.
  void append_part(const Node& pool, const std::string& part, const Run& rows, const Side& down, const Run& columns,
                   const Side& right) {
    const int input = pool.inputs[0];
    const Shape in = graph_.at(input).shape;
    Node mean = pool;
    if (!part.empty()) mean.name = unique(pool.name + part);
    mean.window = {rows.taps, columns.taps, down.stride, right.stride, down.dilation, right.dilation, 0, 0, 0, 0};
    mean.shape = {in.channels, rows.count, columns.count};
    make_convolution(mean, in.channels, rows.divisor * columns.divisor);
    Node crop;
    crop.shape = {in.channels, span(rows, down), span(columns, right)};
    if (crop.shape != in) {
      crop.kind = NodeKind::kView;
      crop.name = unique(mean.name + "_input");
      crop.inputs = {input};
      crop.view = whole_view(in);
      crop.view.geometry.crop_top = rows.first;
      crop.view.geometry.crop_left = columns.first;
      graph_.nodes.push_back(std::move(crop));
      mean.inputs = {last()};
    }
    graph_.nodes.push_back(std::move(mean));
  }

  /// Appends the view that joins 'next' to what there is so far, or takes it as it is. The result's index.
  int joined(int before, int next, qnet::JoinAxis axis, const std::string& name) {
    if (before < 0) return next;
    const Shape first = graph_.at(before).shape;
    const Shape second = graph_.at(next).shape;
    Node node;
    node.kind = NodeKind::kView;
    node.name = unique(name);
    node.inputs = {before, next};
    node.view = joined_view(first, second, axis);
    node.shape = joined_shape(first, second, axis);
    graph_.nodes.push_back(std::move(node));
    return last();
  }

  Graph graph_;
  const std::string& where_;
  std::set<std::string> names_;
};

}  // namespace

Graph convert_average_pools(Graph graph, const std::string& where) {
  return Converter(std::move(graph), where).run();
}

}  // namespace shiftsim::quantizer
