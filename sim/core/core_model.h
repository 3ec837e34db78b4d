// The core, cycle by cycle: docs/hardware.md in C++. Every register of that page is a member here; clock() is one edge.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/core/geometry.h"
#include "sim/core/ports.h"
#include "sim/counters/causes.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

/// Where the last capture into the drain registers came from, for messages.
struct DrainOrigin {
  int layer = 0;
  std::int64_t command = 0;  ///< running number of the COMPUTE command
  std::uint32_t j = 0;       ///< pixel of each slot
  std::uint32_t seg = 0;
};

class CoreModel {
public:
  /// 'layers': how many layer tags there are; counters are kept for each.
  CoreModel(const Geometry& geometry, int layers);

  /// Values of the output ports in the present cycle.
  const CoreOutputs& outputs() const { return out_; }
  /// The clock edge that ends the present cycle, with what stood on the inputs during it.
  void clock(const CoreInputs& in);
  /// All registers as after reset; counters stay.
  void reset();

  const Geometry& geometry() const { return g_; }
  const std::vector<Events>& events() const { return events_; }
  const std::vector<CauseCycles>& causes() const { return causes_; }
  std::int64_t cycle() const { return cycle_; }
  const DrainOrigin& drain_origin() const { return drain_origin_; }
  std::int64_t commands_started() const { return commands_taken_; }  ///< COMPUTE commands taken up so far

private:
  template <typename Command>
  struct Queued {
    const Command* command = nullptr;
    int layer = 0;
  };
  /// A FIFO of commands of fixed depth.
  template <typename Command>
  struct Fifo {
    std::array<Queued<Command>, 16> entry{};
    int head = 0, count = 0;
    bool empty() const { return count == 0; }
    const Queued<Command>& front() const { return entry[static_cast<std::size_t>(head)]; }
    void pop() { head = (head + 1) & 15, --count; }
    void push(const Queued<Command>& value) { entry[static_cast<std::size_t>((head + count++) & 15)] = value; }
  };
  struct Slot {
    std::uint16_t x = 0, xa = 0;
    std::uint32_t off = 0;
    std::int32_t rem = 0;
  };
  struct Context {
    const ComputeCommand* command = nullptr;
    int layer = 0;
    std::int64_t number = 0;
  };
  /// A step on its way from F to E.
  struct Step {
    bool valid = false, plane0 = false, clear = false, shift = false, s_en = false, capture = false, end = false;
    int sub = 0, id = 0;
    std::uint32_t j = 0;
    std::size_t words = 0;    ///< which of the activation words read last
    std::size_t weights = 0;  ///< address of the weight word
  };
  /// Digits of every weight word: the pair and carry memories, recoded when written rather than at every read.
  struct Digits {
    std::vector<std::int16_t> value;    ///< [address][lane][channel]
    std::vector<std::uint8_t> nonzero;  ///< [address][lane]: channels whose digit is not 0
  };
  static constexpr std::size_t kWithoutCarry = 0, kWithCarry = 1;  ///< plane 0, other planes

  void clock_ppu();
  void clock_accumulate();
  void clock_sequencer();
  void clock_load(const CoreInputs& in);
  void clock_store(const CoreInputs& in);
  void count_cycle();
  void write_word(const std::uint8_t* data);
  void write_weight_word(std::size_t address, const std::uint8_t* data);
  void write_carry(std::size_t address, const std::uint8_t* data);
  void update_outputs();
  bool ppu_ready() const;
  bool stalled() const;
  ExState ex_state() const;
  LdState ld_state() const;

  Geometry g_;
  std::size_t P_, N_, L_, Q_;
  std::vector<Events> events_;
  std::vector<CauseCycles> causes_;
  std::int64_t cycle_ = 0;
  CoreOutputs out_;
  bool stall_ = false;

  // Queues and tokens. Deltas of this cycle are added at its end.
  Fifo<LoadCommand> ld_fifo_, pending_;
  Fifo<ComputeCommand> ex_fifo_;
  Fifo<StoreCommand> st_fifo_;
  std::array<int, kTargets> credit_{}, ready_{}, credit_delta_{}, ready_delta_{};
  int barrier_ = 0, barrier_delta_ = 0;

  // Scratchpads.
  std::vector<std::uint8_t> act_, tab_, res_, mem_out_;
  std::array<Digits, 2> wgt_mem_;

  // LOAD unit, receiving side.
  enum class Receive { kIdle, kInit, kData } receive_ = Receive::kIdle;
  Queued<LoadCommand> load_{};
  std::uint32_t load_g_ = 0;
  int load_i_ = 0;
  Slot walk_{};
  std::array<std::vector<Slot>, 2> slots_;

  // F: sequencer.
  bool running_ = false;
  int ctx_id_ = 0;
  std::array<Context, 2> ctx_{};
  int last_layer_ = 0;
  std::int64_t commands_taken_ = 0;
  std::uint32_t sub_ = 0, cw_ = 0, kx_ = 0, ky_ = 0, plane_ = 0, j_ = 0;
  std::uint16_t tap_ = 0, wgt_ = 0;
  std::vector<std::uint16_t> x_, xa_;
  std::vector<std::int32_t> rem_;

  // Memory outputs, D and E registers. A word is widened into operands once, when it is read: D's selection of a
  // sub-block is then an offset. A step may still be in E when the word after the next is read, so the last four are
  // kept.
  struct ActWords {
    std::vector<std::int16_t> op;       ///< [pixel][op_stride_], 0 where the slot is not active
    std::vector<std::uint8_t> nonzero;  ///< [channel]: pixels whose operand is not 0
    int active = 0;                     ///< active slots
  };
  static constexpr std::size_t kActWords = 4;
  std::array<ActWords, kActWords> act_words_;
  std::size_t act_q_ = 0;
  std::vector<const std::uint8_t*> read_words_;  ///< of this cycle's read, by pixel
  std::size_t op_stride_;
  Step d_, e_;

  // Array and drain registers.
  std::vector<std::int32_t> acc_, s_;
  /// Two copies in turn, so that what outputs() points to outlives the edge at which it is replaced.
  std::array<std::vector<std::int32_t>, 2> drain_acc_, drain_s_;
  std::size_t drain_ = 0;
  DrainOrigin drain_origin_;
  bool drained_ = false;

  // PPU.
  struct Beat {
    bool valid = false, write = false, last = false;
    int q = 0, pass = 0;
    std::uint32_t address = 0;
  };
  bool ppu_active_ = false, ppu_end_ = false;
  Context ppu_ctx_{};
  std::uint32_t ppu_f_ = 0;
  int ppu_p_ = 0, ppu_pass_ = 0, ppu_q_ = 0;
  Beat b1_, b2_;
  const ComputeCommand* b1_command_ = nullptr;
  const ComputeCommand* b2_command_ = nullptr;
  int b1_layer_ = 0, b2_layer_ = 0;
  std::vector<std::int32_t> b1_acc_, b2_v_;
  std::int32_t b1_s_ = 0;
  const std::uint8_t* tab_q_ = nullptr;
  const std::uint8_t* res_q_ = nullptr;
  std::vector<std::int8_t> b2_n_;
  std::vector<std::uint8_t> b2_hi_;

  // STORE unit.
  enum class Store { kIdle, kRead, kSend } store_ = Store::kIdle;
  Queued<StoreCommand> st_{};
  std::uint32_t st_address_ = 0, st_left_ = 0;
  const std::uint8_t* out_q_ = nullptr;
};

}  // namespace shiftsim::sim
