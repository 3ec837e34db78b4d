// Every weight of 2, 4, 6, 8 and 10 bits is the sum of its digits, most significant first with a multiplication by four
// in between: what the digit planes rely on. 10 bits are an INT8 weight with its offset, 2q + c.
module recoder_proof (
  input logic [9:0] weight_i
);
  logic [4:0] neg, one, two;

  for (genvar k = 0; k < 5; k++) begin : gen_digit
    shiftsim_recoder u_recoder (
      .high_i(weight_i[2*k + 1]), .low_i(weight_i[2*k]), .carry_i((k == 0) ? 1'b0 : weight_i[(k == 0) ? 0 : 2*k - 1]), .neg_o(neg[k]),
      .one_o(one[k]), .two_o(two[k]));
  end

  integer planes, k;
  reg signed [31:0] sum, digit, weight;
  always @* begin
    for (planes = 1; planes <= 5; planes = planes + 1) begin
      sum = 0;
      for (k = planes - 1; k >= 0; k = k - 1) begin
        digit = two[k] ? 32'sd2 : one[k] ? 32'sd1 : 32'sd0;
        if (neg[k]) digit = -digit;
        sum = 4 * sum + digit;
      end
      weight = $signed({22'd0, weight_i} << (32 - 2*planes)) >>> (32 - 2*planes);
      assert (sum == weight);
    end
    for (k = 0; k < 5; k = k + 1) begin
      assert (!(one[k] && two[k]));
      assert (!neg[k] || one[k] || two[k]);
    end
  end
endmodule
