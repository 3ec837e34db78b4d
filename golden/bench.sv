// Checks a layer_unit against the vectors of one layer. It runs in the layer's folder:
//
//     $ iverilog -g2012 -I . -o bench ../bench.sv ../layer_unit.sv && ./bench
//     $ verilator --binary --timing -Wno-fatal -I. --top-module bench ../bench.sv ../layer_unit.sv && obj_dir/Vbench
//
// An activation table is applied here: the unit gives the code that picks the entry.
// +outputs=N checks the first N outputs only, and says so. The last line begins with PASS or FAIL.
`include "layer.vh"

module bench;
  localparam integer Outputs = `OUT_H * `OUT_W * `OUT_C;
  localparam integer InGroup = `IN_C / `GROUPS;   // channels that an output channel reads
  localparam integer OutGroup = `OUT_C / `GROUPS;
  localparam integer Taps = `KERNEL_H * `KERNEL_W * InGroup;

  reg [7:0] ifmap [0:`IN_H*`IN_W*`IN_C - 1];
  reg [7:0] weights [0:`OUT_C*Taps - 1];
  reg [7:0] offsets [0:`OUT_C - 1], shifts [0:`OUT_C - 1], residual_shifts [0:`OUT_C - 1], hi [0:`OUT_C - 1];
  reg [31:0] bias [0:`OUT_C - 1];
  reg [7:0] pad [0:`IN_C - 1];
  reg [7:0] residual [0:Outputs - 1];
  reg [31:0] ofmap [0:Outputs - 1];
  reg [7:0] activation [0:255];

  reg clk = 0;
  reg rst_n = 0;
  reg start = 0, valid = 0, finish = 0;
  reg signed [8:0] act, residual_code;
  reg signed [7:0] weight, offset, shift, residual_shift;
  reg signed [31:0] bias_k;
  reg signed [9:0] hi_k;
  wire ready, done;
  wire signed [31:0] value;

  layer_unit dut (
    .clk_i(clk), .rst_ni(rst_n), .start_i(start), .valid_i(valid), .finish_i(finish), .ready_o(ready), .act_i(act),
    .weight_i(weight), .max_i(1'(`IS_MAX)), .has_offset_i(1'(`HAS_OFFSET)), .offset_i(offset), .bias_i(bias_k),
    .shift_i(shift), .has_residual_i(1'(`HAS_RESIDUAL)), .residual_i(residual_code), .residual_shift_i(residual_shift),
    .wide_i(1'(`IS_WIDE)), .lo_i(10'(`LO)), .hi_i(hi_k), .valid_o(done), .value_o(value));

  always #5 clk = !clk;

  // A code of 8 bits as a number.
  function signed [8:0] code(input [7:0] bits, input is_signed);
    code = {is_signed & bits[7], bits};
  endfunction

  // One cycle of the unit's inputs, held until it is ready.
  task offer;
    begin
      @(negedge clk);
      while (!ready) @(negedge clk);
    end
  endtask

  task send_window(input integer y, input integer x, input integer k);
    integer ky, kx, c, row, column, channel;
    begin
      for (ky = 0; ky < `KERNEL_H; ky = ky + 1)
        for (kx = 0; kx < `KERNEL_W; kx = kx + 1)
          for (c = 0; c < InGroup; c = c + 1) begin
            row = y * `STRIDE_H + ky * `DILATION_H - `PAD_TOP;
            column = x * `STRIDE_W + kx * `DILATION_W - `PAD_LEFT;
            channel = (k / OutGroup) * InGroup + c;
            if (row >= 0 && row < `IN_H && column >= 0 && column < `IN_W) begin
              act = code(ifmap[(row * `IN_W + column) * `IN_C + channel], 1'(`IN_SIGNED));
              valid = 1;
            end else begin
              act = code(pad[channel], 1'(`IN_SIGNED));
              valid = !`IS_MAX;  // padding never wins
            end
            weight = `HAS_WEIGHTS ? weights[k*Taps + (ky * `KERNEL_W + kx) * InGroup + c] : 8'(`FIXED_WEIGHT);
            if (valid) offer;
          end
      valid = 0;
    end
  endtask

  integer number, limit, wrong, y, x, k;
  reg signed [31:0] expected, found;

  initial begin
    for (number = 0; number < `IN_C; number = number + 1) pad[number] = 0;
    $readmemh("ifmap.hex", ifmap);
    $readmemh("ofmap.hex", ofmap);
    if (`HAS_WEIGHTS) begin
      $readmemh("weights.hex", weights);
      $readmemh("bias.hex", bias);
    end
    if (`HAS_OFFSET) $readmemh("offsets.hex", offsets);
    if (`HAS_SHIFTS) $readmemh("shifts.hex", shifts);
    if (`HAS_HI) $readmemh("hi.hex", hi);
    if (`HAS_PAD) $readmemh("pad.hex", pad);
    if (`HAS_TABLE) $readmemh("table.hex", activation);
    if (`HAS_RESIDUAL) $readmemh("residual.hex", residual);
    if (`HAS_RESIDUAL) $readmemh("residual_shifts.hex", residual_shifts);
    if (!$value$plusargs("outputs=%d", limit) || limit > Outputs) limit = Outputs;

    wrong = 0;
    repeat (3) @(negedge clk);
    rst_n = 1;
    for (number = 0; number < limit; number = number + 1) begin
      k = number % `OUT_C;
      x = (number / `OUT_C) % `OUT_W;
      y = number / `OUT_C / `OUT_W;
      offset = `HAS_OFFSET ? offsets[k] : 8'd0;
      bias_k = `HAS_WEIGHTS ? bias[k] : 32'd0;
      shift = `HAS_SHIFTS ? shifts[k] : 8'd0;
      hi_k = `HAS_HI ? {2'b00, hi[k]} : `OUT_HIGH;
      residual_code = `HAS_RESIDUAL ? code(residual[number], 1'(`RESIDUAL_SIGNED)) : 9'd0;
      residual_shift = `HAS_RESIDUAL ? residual_shifts[k] : 8'd0;
      start = 1;
      offer;
      start = 0;
      send_window(y, x, k);
      finish = 1;
      offer;
      finish = 0;
      while (!done) @(negedge clk);
      if (`IS_WIDE) expected = ofmap[number];
      else expected = code(ofmap[number][7:0], 1'(`OUT_SIGNED));
      found = `HAS_TABLE ? code(activation[value[7:0]], 1'(`OUT_SIGNED)) : value;
      if (found !== expected) begin
        if (wrong < 10)
          $display("output (%0d, %0d), channel %0d: expected %0d, found %0d", y, x, k, expected, found);
        wrong = wrong + 1;
      end
    end
    if (wrong > 0) begin
      $display("FAIL: %0d of %0d outputs differ", wrong, limit);
      $fatal(1, "the layer unit differs from the golden reference");
    end
    $display("PASS: %0d of %0d outputs compared, all equal", limit, Outputs);
    $finish;
  end
endmodule
