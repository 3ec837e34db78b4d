// One pixel of an array with two channels and two lanes, its operands and digits wired as in operand_select and
// digit_stage, for pe_test. Both channels get the same digits: the test looks at channel 1, whose depthwise operand
// is not lane 0's.
module pe_bench #(
  parameter int unsigned AccW = 18
) (
  input  logic            clk_i,
  input  logic            en_i,
  input  logic            active_i,
  input  logic            clear_i,
  input  logic            shift_i,
  input  logic            depthwise_i,
  input  logic            max_i,
  input  logic            s_en_i,
  input  logic            signed_i,
  input  logic [7:0]      byte0_i,
  input  logic [7:0]      byte1_i,
  input  logic [3:0]      pair_i,
  input  logic [1:0]      carry_i,
  output logic [AccW-1:0] acc_o,    // after the edge
  output logic [AccW-1:0] s_o
);
  logic [1:0]               neg, one, two;
  logic [2*AccW-1:0]        acc;
  shiftsim_pkg::e_control_t ctl;

  // Every step is captured, so that the drain registers show the accumulators.
  always_comb begin
    ctl           = '0;
    ctl.conv      = !depthwise_i && !max_i;
    ctl.depthwise = depthwise_i;
    ctl.max       = max_i;
    ctl.clear     = clear_i;
    ctl.shift     = shift_i && !clear_i;
    ctl.s_add     = s_en_i;
    ctl.s_start   = clear_i;
    ctl.capture   = 1'b1;
    ctl.capture_s = s_en_i;
  end

  shiftsim_recoder #(.Digits(2)) u_recoder (
    .high_i({pair_i[3], pair_i[1]}), .low_i({pair_i[2], pair_i[0]}), .carry_i, .neg_o(neg), .one_o(one), .two_o(two));

  shiftsim_pe_array #(.Pixels(1), .Channels(2), .Lanes(2), .AccW(AccW)) u_array (
    .clk_i, .en_i, .ctl_i(ctl), .active_i(active_i),
    .op_i({signed_i && byte1_i[7], byte1_i, signed_i && byte0_i[7], byte0_i}),
    .neg_i({2{neg}}), .one_i({2{one}}), .two_i({2{two}}), .drain_acc_o(acc), .drain_s_o(s_o));

  assign acc_o = acc[AccW +: AccW];
endmodule
