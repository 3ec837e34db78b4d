// A layer unit against the golden reference, which runs in the simulator (DPI-C). Plusargs: +network=FOLDER
// +images=PATH, and +image=N, +layer=N, +outputs=N (0 where left out: all outputs).
module tb;
  import shiftsim_golden_pkg::*;
  import layer_env_pkg::*;

  logic               clk = 0, rst_n = 0;
  logic               start = 0, valid = 0, finish = 0, ready, done;
  logic signed [8:0]  act, residual;
  logic signed [7:0]  weight, offset, shift, residual_shift;
  logic signed [31:0] bias, value;
  logic signed [9:0]  lo, hi;
  logic               is_max, is_wide, has_offset, has_residual;

  layer_unit dut (
    .clk_i(clk), .rst_ni(rst_n), .start_i(start), .valid_i(valid), .finish_i(finish), .ready_o(ready), .act_i(act),
    .weight_i(weight), .max_i(is_max), .has_offset_i(has_offset), .offset_i(offset), .bias_i(bias), .shift_i(shift),
    .has_residual_i(has_residual), .residual_i(residual), .residual_shift_i(residual_shift), .wide_i(is_wide),
    .lo_i(lo), .hi_i(hi), .valid_o(done), .value_o(value));

  always #5 clk = !clk;

  Layer              layer;
  Scoreboard         scoreboard;
  mailbox #(Item)    driven = new();    // what is on its way
  int                limit;

  function void require(bit good);
    if (!good) $fatal(1, "%s", shiftsim_golden_error());
  endfunction

  // Opens the network, runs the image, and sets what is the same for all outputs.
  function void build();
    string  network, images;
    int     image, index, outputs;
    chandle golden;
    if (!$value$plusargs("network=%s", network) || !$value$plusargs("images=%s", images))
      $fatal(1, "+network=FOLDER and +images=PATH are missing");
    if (!$value$plusargs("image=%d", image)) image = 0;
    if (!$value$plusargs("layer=%d", index)) index = 0;
    if (!$value$plusargs("outputs=%d", outputs)) outputs = 0;
    golden = shiftsim_golden_open(network);
    require(golden != null);
    require(shiftsim_golden_load_image(golden, images, image) == 0);
    require(shiftsim_golden_run(golden) == 0);
    if (index < 0 || index >= shiftsim_golden_layers(golden)) $fatal(1, "there is no layer %0d", index);
    if (shiftsim_golden_layer_kind(golden, index) == "view") $fatal(1, "layer %0d computes nothing: it is a view", index);
    if (shiftsim_golden_array(golden, index, "table") >= 0)
      $fatal(1, "layer %0d has an activation table, which layer_unit has not", index);
    layer        = new(golden, index);
    scoreboard   = new(golden, index);
    limit        = (outputs > 0 && outputs < layer.outputs()) ? outputs : layer.outputs();
    is_max       = layer.is_max;
    is_wide      = layer.field("out_bits") > 8;
    has_offset   = layer.field("has_offset") == 1;
    has_residual = layer.residual >= 0;
    lo           = 10'(is_wide ? 0 : is_max ? -128 * layer.field("out_signed") : layer.field("lo"));
  endfunction

  task offer();
    @(negedge clk);
    while (!ready) @(negedge clk);
  endtask

  // The driver: outputs one after the other.
  task drive();
    for (int number = 0; number < limit; number++) begin
      Item item;
      int  k, next_act, next_weight;
      item           = new();
      item.number    = number;
      k              = number % layer.out_c;
      bias           = layer.at(layer.bias, k, 0);
      offset         = 8'(layer.at(layer.offsets, k, 0));
      shift          = 8'(layer.at(layer.shifts, k, 0));
      hi             = 10'(layer.at(layer.hi, k, (layer.field("out_signed") == 1) ? 127 : 255));
      residual       = 9'(layer.at(layer.residual, number, 0));
      residual_shift = 8'(layer.at(layer.residual_shifts, k, 0));
      driven.put(item);
      start = 1;
      offer();
      start = 0;
      for (int tap = 0; tap < layer.taps(); tap++) begin
        valid  = layer.tapOf(number, tap, next_act, next_weight);
        act    = 9'(next_act);
        weight = 8'(next_weight);
        if (valid) offer();
      end
      valid  = 0;
      finish = 1;
      offer();
      finish = 0;
      while (!done) @(negedge clk);
    end
  endtask

  // The monitor: what comes out, to the scoreboard.
  always @(posedge clk) begin
    if (done) begin
      Item seen;
      if (driven.try_get(seen) == 0) $fatal(1, "an output that nothing was driven for");
      seen.value = value;
      scoreboard.write(seen);
    end
  end

  initial begin
    build();
    repeat (3) @(negedge clk);
    rst_n = 1;
    drive();
    repeat (2) @(negedge clk);
    if (scoreboard.wrong > 0 || scoreboard.compared != limit) begin
      $display("FAIL: %0d of %0d outputs differ, %0d compared", scoreboard.wrong, limit, scoreboard.compared);
      $fatal(1, "the layer unit differs from the golden reference");
    end
    $display("PASS: %0d of %0d outputs compared, all equal", limit, layer.outputs());
    $finish;
  end
endmodule
