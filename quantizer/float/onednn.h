// oneDNN 2 and 3: the first makes a primitive's descriptor from an operation's, the second from its arguments.
#pragma once

#include <dnnl.hpp>

namespace shiftsim::quantizer {

/// Descriptor of a forward primitive. 'arguments': what the operation is, in the order that both versions share.
template <typename Primitive, typename... Arguments>
typename Primitive::primitive_desc forward_desc(const dnnl::engine& engine, const dnnl::primitive_attr& attributes,
                                                const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, arguments..., attributes};
#else
  return {typename Primitive::desc(arguments...), attributes, engine};
#endif
}

/// Descriptor of a backward primitive. 'forward': of the forward primitive, as a hint.
template <typename Primitive, typename Forward, typename... Arguments>
typename Primitive::primitive_desc backward_desc(const dnnl::engine& engine, const dnnl::primitive_attr& attributes,
                                                 const Forward& forward, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, arguments..., forward, attributes};
#else
  return {typename Primitive::desc(arguments...), attributes, engine, forward};
#endif
}

}  // namespace shiftsim::quantizer
