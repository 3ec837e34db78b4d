// The integer network in Python: its layers and tensors, their arrays as NumPy's without copies, the golden reference.
#pragma once

#include <memory>

#include <pybind11/pybind11.h>

#include "qnet/golden.h"
#include "qnet/network.h"

namespace shiftsim::python {

/// A network, and the golden reference for it, made once.
struct NetworkObject {
  explicit NetworkObject(qnet::Network of) : network(std::move(of)), golden(network) {}
  const qnet::Network network;
  const qnet::Golden golden;
};

using SharedNetwork = std::shared_ptr<NetworkObject>;

void bind_network(pybind11::module_& module);

}  // namespace shiftsim::python
