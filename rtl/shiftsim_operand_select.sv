// Stage D, one slot: the operands of a step out of the bank's word. conv: the L channels of sub-block `sub`
// to lanes 0..L-1; depthwise and max: channel n to PE n. Registered for E; operands L..N-1 keep their value
// in conv, and all of them where the slot is not active: nobody reads them then, and they cost no energy.
module shiftsim_operand_select #(
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  localparam int unsigned OpW     = shiftsim_pkg::OpW
) (
  input  logic                    clk_i,
  input  logic                    en_lanes_i,  // operands 0..L-1
  input  logic                    en_rest_i,   // operands L..N-1
  input  logic                    conv_i,
  input  logic                    signed_i,
  // lint: only as many bits as there are sub-blocks
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [7:0]              sub_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [8*Channels-1:0]   word_i,
  output logic [Channels*OpW-1:0] op_o
);
  localparam int unsigned Subs = (Channels + Lanes - 1) / Lanes;

  logic [8*Lanes-1:0] block;

  always_comb begin
    block = word_i[8*Lanes-1:0];
    for (int s = 1; s < Subs; s++) begin
      if (conv_i && (sub_i == 8'(s))) begin
        for (int l = 0; l < Lanes; l++) begin
          block[8*l +: 8] = (s*Lanes + l < Channels) ? word_i[8*((s*Lanes + l) % Channels) +: 8] : 8'd0;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_lanes_i) begin
      for (int l = 0; l < Lanes; l++) op_o[l*OpW +: OpW] <= {signed_i && block[8*l + 7], block[8*l +: 8]};
    end
    if (en_rest_i) begin
      for (int n = Lanes; n < Channels; n++) op_o[n*OpW +: OpW] <= {signed_i && word_i[8*n + 7], word_i[8*n +: 8]};
    end
  end
endmodule
