// Stage E: P x N PEs, the S column, and the drain registers the PPU works from. Only active slots are clocked, and the
// S column only where it adds: what is not clocked keeps its value, which nobody looks at.
module shiftsim_pe_array #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  parameter int unsigned AccW     = 24,
  localparam int unsigned OpW     = shiftsim_pkg::OpW
) (
  input  logic                            clk_i,
  input  logic                            en_i,
  // lint: j and the tokens are the PPU's and the sequencer's
  /* verilator lint_off UNUSEDSIGNAL */
  input  shiftsim_pkg::e_control_t        ctl_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [Pixels-1:0]               active_i,
  input  logic [Pixels*Channels*OpW-1:0]  op_i,
  input  logic [Channels*Lanes-1:0]       neg_i,
  input  logic [Channels*Lanes-1:0]       one_i,
  input  logic [Channels*Lanes-1:0]       two_i,
  output logic [Pixels*Channels*AccW-1:0] drain_acc_o,
  output logic [Pixels*AccW-1:0]          drain_s_o
);
  localparam int unsigned SumW = OpW + 1 + $clog2(Lanes);
  localparam int unsigned CntW = $clog2(Lanes + 1);

  logic [Pixels-1:0] acc_en, s_en;
  logic              capture_acc, capture_s;

  assign acc_en      = active_i & {Pixels{en_i}};
  assign s_en        = active_i & {Pixels{en_i && ctl_i.s_add}};
  assign capture_acc = en_i && ctl_i.capture;
  assign capture_s   = en_i && ctl_i.capture_s;

  // In depthwise only lane 0 has digits of this step. (In max pooling nobody looks at the products.)
  logic [Lanes-1:0]          lane_used;
  logic [Channels*Lanes-1:0] neg, one, two;

  assign lane_used = ~({Lanes{ctl_i.depthwise}} << 1);
  assign neg       = neg_i & {Channels{lane_used}};
  assign one       = one_i & {Channels{lane_used}};
  assign two       = two_i & {Channels{lane_used}};

  // See shiftsim_pe: the +1 of the negative digits, and the 512 of each product taken back. As there are fewer than 512
  // lanes, the two parts lie side by side and need no addition.
  logic [Channels*SumW-1:0] corr;
  for (genvar n = 0; n < Channels; n++) begin : gen_corr
    logic [CntW-1:0] negatives;
    always_comb begin
      negatives = '0;
      for (int l = 0; l < Lanes; l++) negatives = negatives + CntW'(neg[n*Lanes + l]);
    end
    assign corr[n*SumW +: SumW] = SumW'(-(Lanes << OpW)) | SumW'(negatives);
  end

  for (genvar p = 0; p < Pixels; p++) begin : gen_pixel
    // A variable for each pixel: Verilator's time would grow with the square of a whole array's.
    logic [Channels*AccW-1:0] acc, drain_acc_q;
    logic [AccW-1:0]          s, drain_s_q;

    for (genvar n = 0; n < Channels; n++) begin : gen_channel
      shiftsim_pe #(.Lanes(Lanes), .AccW(AccW)) u_pe (
        .clk_i, .en_i(acc_en[p]), .clear_i(ctl_i.clear), .shift_i(ctl_i.shift), .depthwise_i(ctl_i.depthwise),
        .max_i(ctl_i.max), .op_i(op_i[p*Channels*OpW +: Lanes*OpW]),
        .vec_op_i(op_i[(p*Channels + n)*OpW +: OpW]), .neg_i(neg[n*Lanes +: Lanes]), .one_i(one[n*Lanes +: Lanes]),
        .two_i(two[n*Lanes +: Lanes]), .corr_i(corr[n*SumW +: SumW]), .acc_o(acc[n*AccW +: AccW]));
    end

    shiftsim_s_column #(.Lanes(Lanes), .AccW(AccW)) u_s (
      .clk_i, .en_i(s_en[p]), .start_i(ctl_i.s_start), .op_i(op_i[p*Channels*OpW +: Lanes*OpW]), .s_o(s));

    always_ff @(posedge clk_i) begin
      if (capture_acc) drain_acc_q <= acc;
      if (capture_s)   drain_s_q <= s;
    end

    assign drain_acc_o[p*Channels*AccW +: Channels*AccW] = drain_acc_q;
    assign drain_s_o[p*AccW +: AccW]                     = drain_s_q;
  end
endmodule
