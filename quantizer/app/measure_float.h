// quantrun --measure-float: another test set for a network that is there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace shiftsim::quantizer {

/// Measures the float network's accuracy on the test images and writes it into the .qnet folder; all else there stays.
/// Throws UserError where the folder holds no network made from this model, or the images do not fit it.
/// 'output_tensor': as for import_onnx().
void measure_float(const std::filesystem::path& model, const std::string& output_tensor,
                   const std::filesystem::path& qnet, const std::filesystem::path& test,
                   const std::optional<std::filesystem::path>& labels, int threads);

}  // namespace shiftsim::quantizer
