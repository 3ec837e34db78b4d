// The PE array once more, written another way: one module, no trees, no corrections, numbers with signs. It has the ports
// of rtl/shiftsim_pe_array.sv and nothing else in common, and stands for a core that somebody else brings.
module shiftsim_pe_array #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  parameter int unsigned AccW     = 24,
  localparam int unsigned OpW     = shiftsim_pkg::OpW
) (
  input  logic                            clk_i,
  input  logic                            en_i,
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
  // A digit (0, 1 or 2, and its sign) times an operand.
  function automatic logic signed [AccW-1:0] times(input logic [OpW-1:0] op, input logic neg, input logic one,
                                                   input logic two);
    logic signed [AccW-1:0] value;
    value = AccW'($signed(op));
    value = two ? value + value : one ? value : '0;
    return neg ? -value : value;
  endfunction

  for (genvar p = 0; p < Pixels; p++) begin : gen_pixel
    logic signed [AccW-1:0] s_q, s_d;

    always_comb begin
      s_d = ctl_i.s_start ? '0 : s_q;
      for (int l = 0; l < Lanes; l++) s_d = s_d + AccW'($signed(op_i[(p*Channels + l)*OpW +: OpW]));
    end
    always_ff @(posedge clk_i) begin
      if (en_i && active_i[p] && ctl_i.s_add) s_q <= s_d;
      if (en_i && ctl_i.capture_s) drain_s_o[p*AccW +: AccW] <= s_d;
    end

    for (genvar n = 0; n < Channels; n++) begin : gen_channel
      logic signed [AccW-1:0] acc_q, acc_d, own;

      assign own = AccW'($signed(op_i[(p*Channels + n)*OpW +: OpW]));
      always_comb begin
        acc_d = ctl_i.clear ? '0 : ctl_i.shift ? {acc_q[AccW-3:0], 2'b00} : acc_q;
        if (ctl_i.max) begin
          if (ctl_i.clear || own > acc_q) acc_d = own;
        end else if (ctl_i.depthwise) begin
          acc_d = acc_d + times(op_i[(p*Channels + n)*OpW +: OpW], neg_i[n*Lanes], one_i[n*Lanes], two_i[n*Lanes]);
        end else begin
          for (int l = 0; l < Lanes; l++) begin
            acc_d = acc_d + times(op_i[(p*Channels + l)*OpW +: OpW], neg_i[n*Lanes + l], one_i[n*Lanes + l],
                                  two_i[n*Lanes + l]);
          end
        end
      end
      always_ff @(posedge clk_i) begin
        if (en_i && active_i[p]) acc_q <= acc_d;
        if (en_i && ctl_i.capture) drain_acc_o[(p*Channels + n)*AccW +: AccW] <= acc_d;
      end
    end
  end
endmodule
