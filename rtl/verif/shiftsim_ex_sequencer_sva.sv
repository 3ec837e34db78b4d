// What the sequencer asks of a command, and what a step is.
`include "shiftsim_assert.svh"

module shiftsim_ex_sequencer_sva #(
  parameter int unsigned Pixels = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes = 4,
  parameter int unsigned ActivationTables = 0
) (
  input logic                               clk_i,
  input logic                               rst_ni,
  input logic                               setup,
  input shiftsim_cmd_pkg::compute_command_t head,
  input logic                               issue,
  input logic [7:0]                         sub_q,
  input logic [Pixels-1:0]                  active
);
  localparam int unsigned Subs = (Channels + Lanes - 1) / Lanes;

  logic counts, modes, releases, lookups;
  assign counts   = head.planes != 0 && head.seg != 0 && head.m_tile != 0 && head.tw != 0 && head.sub_last != 0 &&
                    head.cw_n != 0 && head.kx_n != 0 && head.ky_n != 0;
  assign modes    = head.mode == shiftsim_cmd_pkg::ModeConv ||
                    (!head.has_offset && (head.mode == shiftsim_cmd_pkg::ModeDepthwise ||
                                          (head.mode == shiftsim_cmd_pkg::ModeMax && head.planes == 3'd1)));
  assign releases = head.drain || !(head.rel_tab || head.rel_res || head.sig_out);

  // A 32-bit output has no code that a table could be indexed by.
  assign lookups  = !head.use_lut || (ActivationTables != 0 && !head.wide);

  `SHIFTSIM_ASSERT(CountsAreAtLeastOne, setup |-> counts)
  `SHIFTSIM_ASSERT(ModeIsLegal, setup |-> modes)
  `SHIFTSIM_ASSERT(NoReleaseWithoutDrain, setup |-> releases)
  `SHIFTSIM_ASSERT(LookupIsLegal, setup |-> lookups)
  `SHIFTSIM_ASSERT(SubBlockOfTheWord, issue |-> 32'(sub_q) < Subs)
  `SHIFTSIM_ASSERT(ActiveSlotsAreTheFirst, issue |-> (active & (active + 1'b1)) == '0)
endmodule

bind shiftsim_ex_sequencer shiftsim_ex_sequencer_sva #(
  .Pixels(Pixels), .Channels(Channels), .Lanes(Lanes), .ActivationTables(ActivationTables)
) u_sva (.*);
