// Radix-4 Booth digits, -2*b1 + b0 + carry each, as the controls of digit selects. One digit a (channel, lane), shared by
// all pixels. neg implies that the digit is not 0. Bits of one kind stand together: simulators then work on whole words.
module shiftsim_recoder #(
  parameter int unsigned Digits = 1
) (
  input  logic [Digits-1:0] high_i,   // b1
  input  logic [Digits-1:0] low_i,    // b0
  input  logic [Digits-1:0] carry_i,
  output logic [Digits-1:0] neg_o,
  output logic [Digits-1:0] one_o,
  output logic [Digits-1:0] two_o
);
  assign one_o = low_i ^ carry_i;
  assign two_o = (high_i ^ low_i) & ~one_o;
  assign neg_o = high_i & ~(low_i & carry_i);
endmodule
