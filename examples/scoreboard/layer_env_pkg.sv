// The environment of tb.sv, in the manner of UVM: a sequence asks the golden reference what to drive, a scoreboard asks it
// what must come out. Both know the layer by its number in the .qnet folder; nothing is read from files of vectors.
package layer_env_pkg;
  import shiftsim_golden_pkg::*;

  // One output of the layer, on its way through the unit.
  class Item;
    int number;  // (y * W + x) * K + k
    int value;
  endclass

  // A layer of an open network.
  class Layer;
    chandle golden;
    int     index;
    int     in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, groups;
    int     ifmap, weights, offsets, bias, shifts, hi, residual, residual_shifts, pads;  // arrays; -1: none
    bit     is_max;

    function new(chandle golden, int index);
      this.golden = golden;
      this.index  = index;
      in_h        = field("in_h");
      in_w        = field("in_w");
      in_c        = field("in_c");
      out_h       = field("out_h");
      out_w       = field("out_w");
      out_c       = field("out_c");
      kernel_h    = field("kernel_h");
      kernel_w    = field("kernel_w");
      ifmap       = arrayOf("input");
      weights     = arrayOf("weights");
      offsets     = arrayOf("offsets");
      bias        = arrayOf("bias");
      shifts      = arrayOf("shifts");
      hi          = arrayOf("hi");
      residual    = arrayOf("residual");
      residual_shifts = arrayOf("residual_shifts");
      pads        = arrayOf("pad_values");
      is_max      = shiftsim_golden_layer_kind(golden, index) == "max_pool";
      groups      = (weights < 0) ? in_c : field("groups");  // pools keep channels apart
    endfunction

    function int field(string name);
      return shiftsim_golden_field(golden, index, name);
    endfunction
    function int arrayOf(string name);
      return shiftsim_golden_array(golden, index, name);
    endfunction
    // An element, or 'otherwise' where the layer has no such array.
    function int at(int handle, int place, int otherwise);
      return (handle < 0) ? otherwise : shiftsim_golden_value(golden, handle, place);
    endfunction
    function int outputs();
      return out_h * out_w * out_c;
    endfunction
    function int inGroup();
      return in_c / groups;
    endfunction
    function int taps();
      return kernel_h * kernel_w * inGroup();
    endfunction

    // Tap 'tap' of output 'number': its activation and weight; false where a maximum leaves it out.
    function bit tapOf(int number, int tap, output int act, output int weight);
      int k, x, y, row, column, channel;
      k       = number % out_c;
      x       = (number / out_c) % out_w;
      y       = number / out_c / out_w;
      channel = (k / (out_c / groups)) * inGroup() + tap % inGroup();
      row     = y * field("stride_h") + (tap / inGroup() / kernel_w) * field("dilation_h") - field("pad_top");
      column  = x * field("stride_w") + (tap / inGroup() % kernel_w) * field("dilation_w") - field("pad_left");
      weight  = at(weights, k * taps() + tap, 1);
      if (row >= 0 && row < in_h && column >= 0 && column < in_w) begin
        act = at(ifmap, (row * in_w + column) * in_c + channel, 0);
        return 1;
      end
      act = at(pads, channel, 0);
      return !is_max;
    endfunction
  endclass

  // Compares what comes out with the golden reference.
  class Scoreboard;
    chandle golden;
    int     ofmap, compared, wrong;

    function new(chandle golden, int layer);
      this.golden = golden;
      ofmap       = shiftsim_golden_array(golden, layer, "output");
    endfunction

    function void write(Item item);
      int expected;
      expected = shiftsim_golden_value(golden, ofmap, item.number);
      compared++;
      if (item.value == expected) return;
      wrong++;
      if (wrong <= 10) $display("output %0d: expected %0d, found %0d", item.number, expected, item.value);
    endfunction
  endclass
endpackage
