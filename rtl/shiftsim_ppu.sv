// The PPU: Q channels a cycle of one pixel's drain registers, three stages that never stall; a fourth with activation
// tables.
module shiftsim_ppu #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned PpuLanes = 8,
  parameter int unsigned AccW     = 24,
  parameter int unsigned ActivationTables = 0,
  localparam int unsigned AddrW   = shiftsim_pkg::AddrW,
  localparam int unsigned TabW    = shiftsim_cmd_pkg::TableEntryW
) (
  input  logic                               clk_i,
  input  logic                               rst_ni,
  // from E
  input  logic                               start_i,   // capture: the drain registers are full next cycle
  input  logic                               end_i,     // the command's last one
  input  logic [15:0]                        j_i,
  // lint: the PPU has no use for the sequencer's fields
  /* verilator lint_off UNUSEDSIGNAL */
  input  shiftsim_cmd_pkg::compute_command_t ctx_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic                               ready_o,
  input  logic [Pixels*Channels*AccW-1:0]    drain_acc_i,
  input  logic [Pixels*AccW-1:0]             drain_s_i,
  // memories
  output logic                               tab_re_o,
  output logic                               tab_half_o,
  output logic [AddrW-1:0]                   tab_addr_o,
  input  logic [TabW*PpuLanes-1:0]           tab_data_i,
  output logic                               res_re_o,
  output logic                               res_half_o,
  output logic [AddrW-1:0]                   res_addr_o,
  input  logic [8*Channels-1:0]              res_data_i,
  output logic [PpuLanes-1:0]                lut_re_o,
  output logic                               lut_half_o,
  output logic [PpuLanes*shiftsim_pkg::LutAddrW-1:0] lut_addr_o,
  // lint: without activation tables there is nothing to look up
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [PpuLanes*shiftsim_pkg::LutWordW-1:0] lut_data_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic [Channels-1:0]                out_be_o,
  output logic                               out_half_o,
  output logic [AddrW-1:0]                   out_addr_o,
  output logic [8*Channels-1:0]              out_data_o,
  // tokens
  output logic                               credit_tab_give_o,
  output logic                               credit_res_give_o,
  output logic                               ready_out_give_o,
  output logic                               idle_o
);
  localparam int unsigned PixW  = shiftsim_pkg::PixW;
  localparam int unsigned Beats = (Channels + PpuLanes - 1) / PpuLanes;  // of a pixel
  localparam int unsigned BeatW = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int unsigned SlotW = (Pixels > 1) ? $clog2(Pixels) : 1;

  if (Pixels < 1 || Pixels > 64) begin : gen_bad_pixels
    $error("Pixels is not in 1..64");
  end
  if (Channels < 1 || Channels > 64) begin : gen_bad_channels
    $error("Channels is not in 1..64");
  end
  if (PpuLanes < 1 || PpuLanes > Channels) begin : gen_bad_ppu_lanes
    $error("PpuLanes is not in 1..Channels");
  end
  if (AccW < 16 || AccW > 32) begin : gen_bad_acc_w
    $error("AccW is not in 16..32");
  end
  if (ActivationTables > 1) begin : gen_bad_activation_tables
    $error("ActivationTables is not in 0..1");
  end

  // What the PPU keeps of the command's context.
  typedef struct packed {
    logic [AddrW-1:0] tab_base;
    logic [AddrW-1:0] res_base;
    logic [AddrW-1:0] out_base;
    logic [15:0]      seg;
    logic [15:0]      m_tile;
    logic [7:0]       lo;
    logic             has_offset;
    logic             has_res;
    logic             res_signed;
    logic             wide;
    logic             tab_half;
    logic             res_half;
    logic             out_half;
    logic             rel_tab;
    logic             rel_res;
    logic             sig_out;
    logic             last_pixel;
  } context_t;

  // What a beat takes along to B1; the next capture may change the context meanwhile.
  typedef struct packed {
    logic             write;     // the pixel lies inside the tile
    logic [BeatW-1:0] beat;
    logic [AddrW-1:0] out_addr;
    logic             out_half;
    logic             wide;
    logic [1:0]       pass;
    logic             give_tab;  // with the command's last beat
    logic             give_res;
    logic             give_out;
  } beat_t;

  // ------------------------------------------------------------------------------ context, B0 counters
  logic             busy_q, last_beat, last_pass, last_slot, last;
  logic [SlotW-1:0] slot_q;
  logic [1:0]       pass_q;
  logic [BeatW-1:0] beat_q;
  logic [PixW-1:0]  f_q;     // this pixel's place in the tile
  context_t         ctx_q;

  assign last_beat = (beat_q == BeatW'(Beats - 1));
  assign last_pass = !ctx_q.wide || (pass_q == 2'd3);
  assign last_slot = (slot_q == SlotW'(Pixels - 1));
  assign last      = last_beat && last_pass && last_slot;

  assign ready_o = !busy_q || last;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      busy_q <= 1'b0;
    else if (start_i) busy_q <= 1'b1;
    else if (last)    busy_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      slot_q           <= '0;
      pass_q           <= '0;
      beat_q           <= '0;
      f_q              <= PixW'(j_i);
      ctx_q.tab_base   <= ctx_i.tab_base;
      ctx_q.res_base   <= ctx_i.res_base;
      ctx_q.out_base   <= ctx_i.out_base;
      ctx_q.seg        <= ctx_i.seg;
      ctx_q.m_tile     <= ctx_i.m_tile;
      ctx_q.lo         <= ctx_i.lo;
      ctx_q.has_offset <= ctx_i.has_offset;
      ctx_q.has_res    <= ctx_i.has_res;
      ctx_q.res_signed <= ctx_i.res_signed;
      ctx_q.wide       <= ctx_i.wide;
      ctx_q.tab_half   <= ctx_i.tab_half;
      ctx_q.res_half   <= ctx_i.res_half;
      ctx_q.out_half   <= ctx_i.out_half;
      ctx_q.rel_tab    <= ctx_i.rel_tab;
      ctx_q.rel_res    <= ctx_i.rel_res;
      ctx_q.sig_out    <= ctx_i.sig_out;
      ctx_q.last_pixel <= end_i;
    end else if (busy_q) begin
      beat_q <= last_beat ? '0 : beat_q + 1'b1;
      if (last_beat) pass_q <= last_pass ? '0 : pass_q + 2'd1;
      if (last_beat && last_pass) begin
        slot_q <= slot_q + 1'b1;
        f_q    <= f_q + PixW'(ctx_q.seg);
      end
    end
  end

  // ------------------------------------------------------------------------------------------- B0
  logic inside_tile;
  assign inside_tile = (f_q < PixW'(ctx_q.m_tile));

  assign tab_re_o   = busy_q;
  assign tab_half_o = ctx_q.tab_half;
  assign tab_addr_o = ctx_q.tab_base + AddrW'(beat_q);
  assign res_re_o   = busy_q && ctx_q.has_res && inside_tile;
  assign res_half_o = ctx_q.res_half;
  assign res_addr_o = ctx_q.res_base + f_q[AddrW-1:0];

  logic                     b1_valid_q, b2_valid_q, b1_has_offset_q, b1_has_res_q, b1_res_signed_q;
  beat_t                    b0, b1_q, b2_q;
  logic [7:0]               b1_lo_q;
  logic [PpuLanes*AccW-1:0] b1_acc_q;
  logic [AccW-1:0]          b1_s_q;

  always_comb begin
    b0.write    = inside_tile;
    b0.beat     = beat_q;
    b0.out_addr = ctx_q.out_base + (ctx_q.wide ? {f_q[AddrW-3:0], pass_q} : f_q[AddrW-1:0]);
    b0.out_half = ctx_q.out_half;
    b0.wide     = ctx_q.wide;
    b0.pass     = pass_q;
    b0.give_tab = ctx_q.last_pixel && last && ctx_q.rel_tab;
    b0.give_res = ctx_q.last_pixel && last && ctx_q.rel_res;
    b0.give_out = ctx_q.last_pixel && last && ctx_q.sig_out;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      b1_valid_q <= 1'b0;
      b2_valid_q <= 1'b0;
    end else begin
      b1_valid_q <= busy_q;
      b2_valid_q <= b1_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (busy_q) begin
      b1_q            <= b0;
      b1_has_offset_q <= ctx_q.has_offset;
      b1_has_res_q    <= ctx_q.has_res;
      b1_res_signed_q <= ctx_q.res_signed;
      b1_lo_q         <= ctx_q.lo;
    end
    if (b1_valid_q) b2_q <= b1_q;
  end

  // The multiplexer over the drain registers, in loops with constant slices: a variable index would have to
  // be multiplied by the width. Lanes beyond the last channel keep what they had; nobody writes it.
  always_ff @(posedge clk_i) begin
    for (int p = 0; p < Pixels; p++) begin
      if (busy_q && (slot_q == SlotW'(p))) begin
        b1_s_q <= drain_s_i[p*AccW +: AccW];
        for (int b = 0; b < Beats; b++) begin
          if (beat_q == BeatW'(b)) begin
            for (int i = 0; i < PpuLanes; i++) begin
              if (b*PpuLanes + i < Channels) begin
                b1_acc_q[i*AccW +: AccW] <= drain_acc_i[(p*Channels + (b*PpuLanes + i) % Channels)*AccW +: AccW];
              end
            end
          end
        end
      end
    end
  end

  // --------------------------------------------------------------------------------------- B1, B2
  logic [8*PpuLanes-1:0] res_lanes, out_lanes;
  logic [PpuLanes-1:0]   lane_en;  // lanes of a valid output: a channel of a pixel inside the tile

  always_comb begin
    res_lanes = '0;
    lane_en   = '0;
    for (int b = 0; b < Beats; b++) begin
      if (b1_q.beat == BeatW'(b)) begin
        for (int i = 0; i < PpuLanes; i++) begin
          if (b*PpuLanes + i < Channels) begin
            res_lanes[8*i +: 8] = res_data_i[8*((b*PpuLanes + i) % Channels) +: 8];
            lane_en[i]          = b1_valid_q && b1_q.write;
          end
        end
      end
    end
  end

  for (genvar i = 0; i < PpuLanes; i++) begin : gen_lane
    shiftsim_ppu_lane #(.AccW(AccW)) u_lane (
      .clk_i, .en_i(lane_en[i]), .has_offset_i(b1_has_offset_q), .has_res_i(b1_has_res_q),
      .res_signed_i(b1_res_signed_q), .acc_i(b1_acc_q[i*AccW +: AccW]), .s_i(b1_s_q),
      .tab_i(tab_data_i[i*TabW +: TabW]), .res_i(res_lanes[8*i +: 8]), .lo_i(b1_lo_q),
      .wide_i(b2_q.wide), .pass_i(b2_q.pass), .byte_o(out_lanes[8*i +: 8]));
  end

  // ------------------------------------------------------------- what leaves the last stage: B2, or B3 with tables
  // What a beat takes to its end.
  typedef struct packed {
    logic             write;
    logic [BeatW-1:0] beat;
    logic [AddrW-1:0] out_addr;
    logic             out_half;
    logic             give_tab;
    logic             give_res;
    logic             give_out;
  } end_t;
  localparam int unsigned EndW = BeatW + AddrW + 5;

  logic                  end_valid;
  end_t                  b2_end, last_end;
  logic [8*PpuLanes-1:0] end_lanes;

  assign b2_end = {b2_q.write, b2_q.beat, b2_q.out_addr, b2_q.out_half, b2_q.give_tab, b2_q.give_res, b2_q.give_out};

  if (ActivationTables != 0) begin : gen_lookup
    logic [PpuLanes-1:0] b2_lane_en;
    logic [EndW-1:0]     b3_end;

    for (genvar i = 0; i < PpuLanes; i++) begin : gen_lane_en
      // The last beat of a pixel may have fewer channels than there are lanes.
      if ((Beats - 1)*PpuLanes + i < Channels) begin : gen_always
        assign b2_lane_en[i] = b2_valid_q && b2_q.write;
      end else begin : gen_not_last
        assign b2_lane_en[i] = b2_valid_q && b2_q.write && (b2_q.beat != BeatW'(Beats - 1));
      end
    end

    shiftsim_ppu_lookup #(.PpuLanes(PpuLanes), .BeatW(EndW)) u_lookup (
      .clk_i, .rst_ni, .start_i, .use_lut_i(ctx_i.use_lut), .half_i(ctx_i.lut_half), .b0_valid_i(busy_q),
      .b1_valid_i(b1_valid_q), .b2_valid_i(b2_valid_q), .b2_beat_i(b2_end), .b2_lane_en_i(b2_lane_en),
      .b2_bytes_i(out_lanes), .lut_re_o, .lut_half_o, .lut_addr_o, .lut_words_i(lut_data_i), .b3_valid_o(end_valid),
      .b3_beat_o(b3_end), .b3_bytes_o(end_lanes));
    assign last_end = b3_end;
    assign idle_o   = !busy_q && !b1_valid_q && !b2_valid_q && !end_valid;
  end else begin : gen_no_lookup
    assign lut_re_o   = '0;
    assign lut_half_o = 1'b0;
    assign lut_addr_o = '0;
    assign end_valid  = b2_valid_q;
    assign last_end   = b2_end;
    assign end_lanes  = out_lanes;
    assign idle_o     = !busy_q && !b1_valid_q && !b2_valid_q;
  end

  for (genvar n = 0; n < Channels; n++) begin : gen_out
    assign out_data_o[8*n +: 8] = end_lanes[8*(n % PpuLanes) +: 8];
    assign out_be_o[n]          = end_valid && last_end.write && (last_end.beat == BeatW'(n / PpuLanes));
  end

  assign out_half_o = last_end.out_half;
  assign out_addr_o = last_end.out_addr;

  assign credit_tab_give_o = end_valid && last_end.give_tab;
  assign credit_res_give_o = end_valid && last_end.give_res;
  assign ready_out_give_o  = end_valid && last_end.give_out;
endmodule
