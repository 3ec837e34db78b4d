// A host and a DMA for a Verilated core, as small as they can be: command queues, reads answered from a table,
// writes collected; every handshake can be held back at random.
#ifndef SHIFTSIM_TESTS_RTL_CORE_DRIVER_H_
#define SHIFTSIM_TESTS_RTL_CORE_DRIVER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/commands.h"
#include "tests/rtl/core_library.h"

namespace shiftsim::test {

using Command = sim::CommandWord;
static_assert(Command{}.size() == SHIFTSIM_CORE_CMD_WORDS);
using Word = std::vector<uint32_t>;

// Writes `bits` low bits of `value` at bit `lsb`.
inline void PutBits(uint32_t* words, int lsb, int bits, int64_t value) {
  for (int i = 0; i < bits; ++i) {
    const int bit = lsb + i;
    const uint32_t mask = uint32_t{1} << (bit % 32);
    if ((value >> i) & 1) {
      words[bit / 32] |= mask;
    } else {
      words[bit / 32] &= ~mask;
    }
  }
}

using sim::ComputeCommand;
using sim::LoadCommand;
using sim::StoreCommand;

class CoreDriver {
public:
  CoreDriver(const CoreLibrary& library, uint32_t seed)
      : library_(library), info_(library.Info()), core_(library.create(seed)), random_(seed) {}
  ~CoreDriver() { library_.destroy(core_); }
  CoreDriver(const CoreDriver&) = delete;
  CoreDriver& operator=(const CoreDriver&) = delete;

  // A word for rd_data, all zero.
  Word ReadWord() const { return Word(info_.rd_data_words, 0); }
  // Registers the words of a read; the id goes into a LOAD.
  uint32_t AddRead(std::vector<Word> words) {
    reads_.push_back(std::move(words));
    return static_cast<uint32_t>(reads_.size()) - 1;
  }
  void Load(const LoadCommand& command) { load_.push_back(sim::pack(command)); }
  void Compute(const ComputeCommand& command) { compute_.push_back(sim::pack(command)); }
  void Store(const StoreCommand& command) { store_.push_back(sim::pack(command)); }

  // Runs until everything is done; false where it is not within `limit` cycles. Each handshake of the host and
  // the DMA is held back with a chance of `hold` in 256.
  bool Run(int64_t limit, uint32_t hold = 0) {
    for (int64_t i = 0; i < limit; ++i) {
      if (Cycle(hold)) return true;
    }
    return false;
  }

  // The first assertion that failed, or "".
  std::string Failure() const { return library_.failure(core_); }

  const std::vector<Word>& Written(int dma_id) { return writes_.at(dma_id); }
  int64_t Cycles() const { return cycles_; }
  // How often ex_state had each value.
  const std::array<int64_t, 16>& ExStates() const { return ex_states_; }

private:
  bool Go(uint32_t hold) { return hold == 0 || (random_() & 255) >= hold; }

  // One cycle; true when core, queues and DMA are empty.
  bool Cycle(uint32_t hold) {
    ShiftsimCoreOutputs out;
    library_.outputs(core_, &out);
    if (out.idle && load_.empty() && compute_.empty() && store_.empty() && read_queue_.empty()) return true;
    ++ex_states_[out.ex_state];

    ShiftsimCoreInputs in{};
    in.ld_cmd_valid = !load_.empty() && Go(hold);
    in.ex_cmd_valid = !compute_.empty() && Go(hold);
    in.st_cmd_valid = !store_.empty() && Go(hold);
    in.rd_req_ready = Go(hold);
    in.rd_data_valid = !read_queue_.empty() && Go(hold);
    in.wr_req_ready = Go(hold);
    in.wr_data_ready = Go(hold);
    if (in.ld_cmd_valid) in.ld_cmd = load_.front().data();
    if (in.ex_cmd_valid) in.ex_cmd = compute_.front().data();
    if (in.st_cmd_valid) in.st_cmd = store_.front().data();
    if (in.rd_data_valid) in.rd_data = reads_.at(read_queue_.front().first).at(read_queue_.front().second).data();
    Word written;  // taken before the edge: the pointer is the core's
    if (out.wr_data_valid) written.assign(out.wr_data, out.wr_data + info_.wr_data_words);
    library_.cycle(core_, &in);
    ++cycles_;

    if (in.ld_cmd_valid && out.ld_cmd_ready) load_.pop_front();
    if (in.ex_cmd_valid && out.ex_cmd_ready) compute_.pop_front();
    if (in.st_cmd_valid && out.st_cmd_ready) store_.pop_front();
    if (in.rd_data_valid && out.rd_data_ready) {
      auto& [id, next] = read_queue_.front();
      if (++next == reads_.at(id).size()) read_queue_.pop_front();
    }
    if (in.rd_req_ready && out.rd_req_valid) read_queue_.emplace_back(out.rd_req_id, 0);
    if (in.wr_req_ready && out.wr_req_valid) {
      write_id_ = out.wr_req_id;
      if (writes_.size() <= write_id_) writes_.resize(write_id_ + 1);
    }
    if (in.wr_data_ready && out.wr_data_valid) {
      writes_.at(write_id_).push_back(written);
    }
    return false;
  }

  const CoreLibrary& library_;
  ShiftsimCoreInfo info_;
  ShiftsimCore* core_;
  std::mt19937 random_;
  std::deque<Command> load_, compute_, store_;
  std::vector<std::vector<Word>> reads_;
  std::deque<std::pair<uint32_t, std::size_t>> read_queue_;  // (id, next word)
  std::vector<std::vector<Word>> writes_;
  std::size_t write_id_ = 0;
  int64_t cycles_ = 0;
  std::array<int64_t, 16> ex_states_{};
};

}  // namespace shiftsim::test

#endif  // SHIFTSIM_TESTS_RTL_CORE_DRIVER_H_
