// The LOAD unit writes one scratchpad at a time, and one slot of the walk.
`include "shiftsim_assert.svh"

module shiftsim_load_unit_sva #(
  parameter int unsigned Pixels = 4
) (
  input logic                            clk_i,
  input logic                            rst_ni,
  input logic [Pixels-1:0]               act_we_o,
  input logic                            wgt_we_o,
  input logic                            carry_we_o,
  input logic                            tab_we_o,
  input logic                            lut_we_o,
  input logic                            res_we_o,
  input logic [Pixels-1:0]               slot_we_o,
  input logic                            word,
  input logic [shiftsim_pkg::OffW-1:0]   g_q,
  input shiftsim_cmd_pkg::load_command_t cur
);
  `SHIFTSIM_ASSERT(OneTarget, $onehot0({act_we_o != '0, wgt_we_o, tab_we_o, lut_we_o, res_we_o}))
  `SHIFTSIM_ASSERT(CarryGoesWithWeights, carry_we_o |-> wgt_we_o)
  `SHIFTSIM_ASSERT(OneSlot, $onehot0(slot_we_o))
  `SHIFTSIM_ASSERT(WordsNotBeyondCount, word |-> g_q < cur.count)
endmodule

bind shiftsim_load_unit shiftsim_load_unit_sva #(.Pixels(Pixels)) u_sva (.*);
