// The PPU: Q channels a cycle of one pixel's drain registers, three stages that never stall.
module ppu #(
  parameter int P    = 4,
  parameter int N    = 16,
  parameter int Q    = 8,
  parameter int AccW = 24
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  // from E
  input  logic                            start_i,   // capture: the drain registers are full next cycle
  input  logic                            end_i,
  input  logic [15:0]                     j_i,
  // lint: the PPU has no use for the sequencer's fields
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [shiftsim_pkg::ExCmdW-1:0] ctx_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic                            ready_o,
  input  logic [P*N*AccW-1:0]             drain_acc_i,
  input  logic [P*AccW-1:0]               drain_s_i,
  // memories
  output logic                            tab_re_o,
  output logic                            tab_half_o,
  output logic [shiftsim_pkg::AddrW-1:0]  tab_addr_o,
  input  logic [shiftsim_pkg::TabW*Q-1:0] tab_data_i,
  output logic                            res_re_o,
  output logic                            res_half_o,
  output logic [shiftsim_pkg::AddrW-1:0]  res_addr_o,
  input  logic [8*N-1:0]                  res_data_i,
  output logic [N-1:0]                    out_be_o,
  output logic                            out_half_o,
  output logic [shiftsim_pkg::AddrW-1:0]  out_addr_o,
  output logic [8*N-1:0]                  out_data_o,
  // tokens
  output logic                            credit_tab_give_o,
  output logic                            credit_res_give_o,
  output logic                            ready_out_give_o,
  output logic                            idle_o
);
  localparam int AddrW  = shiftsim_pkg::AddrW;
  localparam int PixW   = shiftsim_pkg::PixW;
  localparam int TabW   = shiftsim_pkg::TabW;
  localparam int Beats  = (N + Q - 1) / Q;        // of a pixel
  localparam int BeatW  = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int SlotW  = (P > 1) ? $clog2(P) : 1;

  // ------------------------------------------------------------------------------ context, B0 counters
  logic             busy_q, end_q, last_beat, last_pass, last_slot;
  logic [SlotW-1:0] slot_q;
  logic [1:0]       pass_q;
  logic [BeatW-1:0] beat_q;
  logic [PixW-1:0]  f_q;     // this pixel's place in the tile

  logic             has_offset_q, has_res_q, res_signed_q, wide_q, tab_half_q, res_half_q, out_half_q;
  logic             rel_tab_q, rel_res_q, sig_out_q;
  logic [15:0]      seg_q, m_tile_q;
  logic [AddrW-1:0] tab_base_q, res_base_q, out_base_q;
  logic [7:0]       lo_q;

  assign last_beat = (beat_q == BeatW'(Beats - 1));
  assign last_pass = !wide_q || (pass_q == 2'd3);
  assign last_slot = (slot_q == SlotW'(P - 1));
  wire   last      = last_beat && last_pass && last_slot;

  assign ready_o = !busy_q || last;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      busy_q <= 1'b0;
    else if (start_i) busy_q <= 1'b1;
    else if (last)    busy_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      slot_q       <= '0;
      pass_q       <= '0;
      beat_q       <= '0;
      f_q          <= PixW'(j_i);
      end_q        <= end_i;
      has_offset_q <= ctx_i[shiftsim_pkg::ExHasOffsetLsb];
      has_res_q    <= ctx_i[shiftsim_pkg::ExHasResLsb];
      res_signed_q <= ctx_i[shiftsim_pkg::ExResSignedLsb];
      wide_q       <= ctx_i[shiftsim_pkg::ExWideLsb];
      tab_half_q   <= ctx_i[shiftsim_pkg::ExTabHalfLsb];
      res_half_q   <= ctx_i[shiftsim_pkg::ExResHalfLsb];
      out_half_q   <= ctx_i[shiftsim_pkg::ExOutHalfLsb];
      rel_tab_q    <= ctx_i[shiftsim_pkg::ExRelTabLsb];
      rel_res_q    <= ctx_i[shiftsim_pkg::ExRelResLsb];
      sig_out_q    <= ctx_i[shiftsim_pkg::ExSigOutLsb];
      seg_q        <= ctx_i[shiftsim_pkg::ExSegLsb +: shiftsim_pkg::ExSegW];
      m_tile_q     <= ctx_i[shiftsim_pkg::ExMTileLsb +: shiftsim_pkg::ExMTileW];
      tab_base_q   <= ctx_i[shiftsim_pkg::ExTabBaseLsb +: shiftsim_pkg::ExTabBaseW];
      res_base_q   <= ctx_i[shiftsim_pkg::ExResBaseLsb +: shiftsim_pkg::ExResBaseW];
      out_base_q   <= ctx_i[shiftsim_pkg::ExOutBaseLsb +: shiftsim_pkg::ExOutBaseW];
      lo_q         <= ctx_i[shiftsim_pkg::ExLoLsb +: shiftsim_pkg::ExLoW];
    end else if (busy_q) begin
      beat_q <= last_beat ? '0 : beat_q + 1'b1;
      if (last_beat) pass_q <= last_pass ? '0 : pass_q + 2'd1;
      if (last_beat && last_pass) begin
        slot_q <= slot_q + 1'b1;
        f_q    <= f_q + PixW'(seg_q);
      end
    end
  end

  // ------------------------------------------------------------------------------------------- B0
  wire inside_tile = (f_q < PixW'(m_tile_q));

  assign tab_re_o   = busy_q;
  assign tab_half_o = tab_half_q;
  assign tab_addr_o = tab_base_q + AddrW'(beat_q);
  assign res_re_o   = busy_q && has_res_q && inside_tile;
  assign res_half_o = res_half_q;
  assign res_addr_o = res_base_q + f_q[AddrW-1:0];

  // B1's and B2's own copy of what the next capture may change
  logic              b1_valid_q, b2_valid_q;
  logic              b1_write_q, b1_has_offset_q, b1_has_res_q, b1_res_signed_q, b1_wide_q, b1_half_q;
  logic              b2_write_q, b2_wide_q, b2_half_q;
  logic [2:0]        b1_give_q, b2_give_q;
  logic [1:0]        b1_pass_q, b2_pass_q;
  logic [BeatW-1:0]  b1_beat_q, b2_beat_q;
  logic [AddrW-1:0]  b1_addr_q, b2_addr_q;
  logic [7:0]        b1_lo_q, b2_lo_q;
  logic [Q*AccW-1:0] b1_acc_q;
  logic [AccW-1:0]   b1_s_q;

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
      b1_write_q      <= inside_tile;
      b1_has_offset_q <= has_offset_q;
      b1_has_res_q    <= has_res_q;
      b1_res_signed_q <= res_signed_q;
      b1_wide_q       <= wide_q;
      b1_half_q       <= out_half_q;
      b1_give_q       <= {sig_out_q, rel_res_q, rel_tab_q} & {3{end_q && last}};
      b1_pass_q       <= pass_q;
      b1_beat_q       <= beat_q;
      b1_addr_q       <= out_base_q + (wide_q ? {f_q[AddrW-3:0], pass_q} : f_q[AddrW-1:0]);
      b1_lo_q         <= lo_q;
    end
    if (b1_valid_q) begin
      b2_write_q <= b1_write_q;
      b2_wide_q  <= b1_wide_q;
      b2_half_q  <= b1_half_q;
      b2_give_q  <= b1_give_q;
      b2_pass_q  <= b1_pass_q;
      b2_beat_q  <= b1_beat_q;
      b2_addr_q  <= b1_addr_q;
      b2_lo_q    <= b1_lo_q;
    end
  end

  // The multiplexer over the drain registers, in loops with constant slices: a variable index would have to
  // be multiplied by the width. Lanes beyond the last channel keep what they had; nobody writes it.
  always_ff @(posedge clk_i) begin
    for (int p = 0; p < P; p++) begin
      if (busy_q && (slot_q == SlotW'(p))) begin
        b1_s_q <= drain_s_i[p*AccW +: AccW];
        for (int b = 0; b < Beats; b++) begin
          if (beat_q == BeatW'(b)) begin
            for (int i = 0; i < Q; i++) begin
              if (b*Q + i < N) b1_acc_q[i*AccW +: AccW] <= drain_acc_i[(p*N + (b*Q + i) % N)*AccW +: AccW];
            end
          end
        end
      end
    end
  end

  // --------------------------------------------------------------------------------------- B1, B2
  logic [8*Q-1:0] res_lanes, out_lanes;

  always_comb begin
    res_lanes = '0;
    for (int b = 0; b < Beats; b++) begin
      if (b1_beat_q == BeatW'(b)) begin
        for (int i = 0; i < Q; i++) begin
          if (b*Q + i < N) res_lanes[8*i +: 8] = res_data_i[8*((b*Q + i) % N) +: 8];
        end
      end
    end
  end

  for (genvar i = 0; i < Q; i++) begin : gen_lane
    ppu_lane #(.AccW(AccW)) u_lane (
      .clk_i, .en_i(b1_valid_q), .has_offset_i(b1_has_offset_q), .has_res_i(b1_has_res_q),
      .res_signed_i(b1_res_signed_q), .acc_i(b1_acc_q[i*AccW +: AccW]), .s_i(b1_s_q),
      .tab_i(tab_data_i[i*TabW +: TabW]), .res_i(res_lanes[8*i +: 8]),
      .wide_i(b2_wide_q), .pass_i(b2_pass_q), .lo_i(b2_lo_q), .byte_o(out_lanes[8*i +: 8]));
  end

  for (genvar n = 0; n < N; n++) begin : gen_out
    assign out_data_o[8*n +: 8] = out_lanes[8*(n % Q) +: 8];
    assign out_be_o[n]          = b2_valid_q && b2_write_q && (b2_beat_q == BeatW'(n / Q));
  end

  assign out_half_o = b2_half_q;
  assign out_addr_o = b2_addr_q;

  assign {ready_out_give_o, credit_res_give_o, credit_tab_give_o} = b2_give_q & {3{b2_valid_q}};

  assign idle_o = !busy_q && !b1_valid_q && !b2_valid_q;
endmodule
