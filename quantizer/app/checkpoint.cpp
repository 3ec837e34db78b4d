#include "quantizer/app/checkpoint.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <type_traits>
#include <utility>

#include "common/atomic_file.h"
#include "common/hash.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFormat = "shiftsim checkpoint 3\n";

/// Plain values one after another, as this machine stores them: a checkpoint does not travel.
class Writer {
public:
  template <typename T>
  void values(const std::vector<T>& list) {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::uint64_t count = list.size();
    bytes_.append(reinterpret_cast<const char*>(&count), sizeof count);
    if (count > 0) bytes_.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T));
  }
  const std::string& bytes() const { return bytes_; }

private:
  std::string bytes_;
};

class Reader {
public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}

  template <typename T>
  void values(std::vector<T>& list) {
    std::uint64_t count = 0;
    take(&count, sizeof count);
    if (!good_ || count > bytes_.size()) {
      good_ = false;
      return;
    }
    list.resize(count);
    take(list.data(), count * sizeof(T));
  }
  bool done() const { return good_ && at_ == bytes_.size(); }

private:
  void take(void* target, std::size_t count) {
    good_ = good_ && at_ + count <= bytes_.size();
    if (!good_ || count == 0) return;
    std::memcpy(target, bytes_.data() + at_, count);
    at_ += count;
  }

  std::string bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

/// Calls 'each' for every array that belongs to the unit.
template <typename Network, typename Each>
void visit(const Unit& unit, Network& network, Each each) {
  for (int i = unit.first; i <= unit.last; ++i) {
    const auto index = static_cast<std::size_t>(i);
    auto& layer = network.layers[index];
    each(layer.quantizers);
    each(layer.integer_weights);
    each(layer.bias);
    each(layer.learned_bias);
    each(layer.searched_exponents);
    const auto output = static_cast<std::size_t>(network.plan->layers[index].output);
    each(network.exponents[output]);
    each(network.mantissas[output]);
    each(network.searched_exponents[output]);
  }
}

}  // namespace

Checkpoint::Checkpoint(std::optional<fs::path> folder, std::string fingerprint)
    : folder_(std::move(folder)), fingerprint_(std::move(fingerprint)) {}

void Checkpoint::save(const std::string& step, const Unit& unit, const QuantizedNetwork& network,
                      const std::vector<double>& figures) const {
  if (!folder_) return;
  Writer writer;
  visit(unit, network, [&](const auto& list) { writer.values(list); });
  writer.values(figures);
  write_file_atomically(*folder_ / step,
                        kFormat + fingerprint_ + "\n" + sha256(writer.bytes()) + "\n" + writer.bytes());
}

bool Checkpoint::load(const std::string& step, const Unit& unit, QuantizedNetwork& network,
                      std::vector<double>* figures) const {
  if (!folder_) return false;
  std::ifstream file(*folder_ / step, std::ios::binary);
  std::string line, fingerprint, hash;
  if (!std::getline(file, line) || line + "\n" != kFormat) return false;
  if (!std::getline(file, fingerprint) || fingerprint != fingerprint_ || !std::getline(file, hash)) return false;
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (sha256(bytes) != hash) return false;
  Reader reader(std::move(bytes));
  visit(unit, network, [&](auto& list) { reader.values(list); });
  std::vector<double> saved;
  reader.values(saved);
  if (figures != nullptr) *figures = saved;
  return reader.done();
}

void Checkpoint::remove() const {
  std::error_code ignored;
  if (folder_) fs::remove_all(*folder_, ignored);
}

}  // namespace shiftsim::quantizer
