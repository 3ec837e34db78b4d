// Nodes taken out of a graph and put into it, their readers led to others.
#pragma once

#include <string>
#include <vector>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Lets the readers of node 'from' read the earlier node 'to' instead. Where 'from' is the output, 'to' becomes it and
/// nothing behind it is left; else 'from' stays, reads nothing, and goes with drop_dead_nodes().
void bypass(Graph& graph, int from, int to);

/// Removes bypassed nodes, and whatever the output does not need. Throws UserError naming 'where' (the file) if it does
/// not need the input.
void drop_dead_nodes(Graph& graph, const std::string& where);

/// Inserts 'node' behind node 'index'; its readers 'readers' (all, if empty) read the new node instead.
void insert_after(Graph& graph, int index, Node node, const std::vector<int>& readers = {});

/// 'wanted', or that with a number: what no node of the graph is called.
std::string unique_name(const Graph& graph, const std::string& wanted);

/// A depthwise 1x1 convolution that multiplies by 1, for the graph. It reads nothing yet.
Node identity_conv(const Graph& graph, const std::string& name, const Shape& shape);

}  // namespace shiftsim::quantizer
