// Stage D, one slot: the operands of a step out of the bank's word. conv: the L channels of sub-block `sub`
// to lanes 0..L-1; depthwise and max: channel n to PE n. Registered for E; operands L..N-1 keep their value
// in conv, where nobody reads them, so that they cost no energy.
module operand_select #(
  parameter int N = 16,
  parameter int L = 4
) (
  input  logic                             clk_i,
  input  logic                             en_i,
  input  logic                             conv_i,
  input  logic                             signed_i,
  input  logic                             active_i,
  // lint: only as many bits as there are sub-blocks
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [7:0]                       sub_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [8*N-1:0]                   word_i,
  output logic [N*shiftsim_pkg::OpW-1:0]   op_o
);
  localparam int OpW  = shiftsim_pkg::OpW;
  localparam int Subs = (N + L - 1) / L;

  logic [8*L-1:0] block;

  always_comb begin
    block = word_i[8*L-1:0];
    for (int s = 1; s < Subs; s++) begin
      if (conv_i && (sub_i == 8'(s))) begin
        for (int l = 0; l < L; l++) block[8*l +: 8] = (s*L + l < N) ? word_i[8*((s*L + l) % N) +: 8] : 8'd0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      for (int l = 0; l < L; l++) begin
        op_o[l*OpW +: OpW] <= {signed_i && block[8*l + 7], block[8*l +: 8]} & {OpW{active_i}};
      end
    end
    if (en_i && !conv_i) begin
      for (int n = L; n < N; n++) begin
        op_o[n*OpW +: OpW] <= {signed_i && word_i[8*n + 7], word_i[8*n +: 8]} & {OpW{active_i}};
      end
    end
  end
endmodule
