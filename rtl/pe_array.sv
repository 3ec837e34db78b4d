// Stage E: P x N PEs, the S column, and the drain registers the PPU works from.
module pe_array #(
  parameter int P    = 4,
  parameter int N    = 16,
  parameter int L    = 4,
  parameter int AccW = 24,
  localparam int OpW = shiftsim_pkg::OpW
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                en_i,
  input  logic                depthwise_i,
  input  logic                max_i,
  input  logic                clear_i,
  input  logic                shift_i,
  input  logic                s_en_i,
  input  logic                capture_i,
  input  logic [P*N*OpW-1:0]  op_i,
  input  logic [N*L-1:0]      neg_i,
  input  logic [N*L-1:0]      one_i,
  input  logic [N*L-1:0]      two_i,
  output logic                drain_valid_o,
  output logic [P*N*AccW-1:0] drain_acc_o,
  output logic [P*AccW-1:0]   drain_s_o
);
  localparam int SumW = OpW + 1 + $clog2(L);

  logic [N*SumW-1:0] corr;

  // See pe.sv: the +1 of the negative digits, and the 512 of each product taken back.
  always_comb begin
    for (int n = 0; n < N; n++) begin
      corr[n*SumW +: SumW] = SumW'(-(L << OpW));
      for (int l = 0; l < L; l++) corr[n*SumW +: SumW] = corr[n*SumW +: SumW] + SumW'(neg_i[n*L + l]);
    end
  end

  for (genvar p = 0; p < P; p++) begin : gen_pixel
    // A variable for each pixel: Verilator's time would grow with the square of a whole array's.
    logic [N*AccW-1:0] acc, drain_acc_q;
    logic [AccW-1:0]   s, drain_s_q;

    for (genvar n = 0; n < N; n++) begin : gen_channel
      pe #(.L(L), .AccW(AccW)) u_pe (
        .clk_i, .en_i, .clear_i, .shift_i, .depthwise_i, .max_i,
        .op_i(op_i[p*N*OpW +: L*OpW]), .vec_op_i(op_i[(p*N + n)*OpW +: OpW]),
        .neg_i(neg_i[n*L +: L]), .one_i(one_i[n*L +: L]), .two_i(two_i[n*L +: L]),
        .corr_i(corr[n*SumW +: SumW]), .acc_o(acc[n*AccW +: AccW]));
    end

    s_column #(.L(L), .AccW(AccW)) u_s (
      .clk_i, .en_i, .clear_i, .add_i(s_en_i), .op_i(op_i[p*N*OpW +: L*OpW]), .s_o(s));

    always_ff @(posedge clk_i) begin
      if (en_i && capture_i) begin
        drain_acc_q <= acc;
        drain_s_q   <= s;
      end
    end

    assign drain_acc_o[p*N*AccW +: N*AccW] = drain_acc_q;
    assign drain_s_o[p*AccW +: AccW]       = drain_s_q;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) drain_valid_o <= 1'b0;
    else         drain_valid_o <= en_i && capture_i;
  end
endmodule
