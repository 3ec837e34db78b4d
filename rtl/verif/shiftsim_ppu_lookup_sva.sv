// The word of a byte's entry is read while the byte goes to B3, and what the command says goes with its beats.
`include "shiftsim_assert.svh"

module shiftsim_ppu_lookup_sva #(
  parameter int unsigned PpuLanes = 8,
  localparam int unsigned LutAddrW = shiftsim_pkg::LutAddrW
) (
  input logic                         clk_i,
  input logic                         rst_ni,
  input logic                         b2_valid_i,
  input logic [PpuLanes-1:0]          b2_lane_en_i,
  input logic [8*PpuLanes-1:0]        b2_bytes_i,
  input logic                         b2_use_q,
  input logic [PpuLanes-1:0]          lut_re_o,
  input logic [PpuLanes*LutAddrW-1:0] lut_addr_o,
  input logic                         b3_use_q
);
  logic [PpuLanes-1:0] words;  // lanes whose word is asked for as it must be

  always_comb begin
    for (int unsigned i = 0; i < PpuLanes; i++) begin
      words[i] = (lut_re_o[i] == (b2_lane_en_i[i] && b2_use_q)) &&
                 (!lut_re_o[i] || (lut_addr_o[i*LutAddrW +: LutAddrW] == b2_bytes_i[8*i + 2 +: LutAddrW]));
    end
  end

  `SHIFTSIM_ASSERT(LanesOfAValidBeat, (b2_lane_en_i != '0) |-> b2_valid_i)
  `SHIFTSIM_ASSERT(WordIsReadWithItsByte, words == '1)
  `SHIFTSIM_ASSERT(LookupGoesWithItsBeat, b2_valid_i |=> b3_use_q == $past(b2_use_q))
endmodule

bind shiftsim_ppu_lookup shiftsim_ppu_lookup_sva #(.PpuLanes(PpuLanes)) u_sva (.*);
