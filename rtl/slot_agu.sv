// Slot p's address generator: where its current output pixel starts in bank p. Keeps what LOAD computed
// for each half, since the next tile is loaded while this one is computed.
module slot_agu (
  input  logic                           clk_i,
  // from LOAD
  input  logic                           slot_we_i,
  input  logic                           slot_half_i,
  input  logic [shiftsim_pkg::AddrW-1:0] slot_x_i,
  input  logic [shiftsim_pkg::AddrW-1:0] slot_xa_i,
  input  logic [shiftsim_pkg::RemW-1:0]  slot_rem_i,
  // from the sequencer
  input  logic                           setup_i,     // take the slot's start of half `half_i`
  input  logic                           half_i,
  input  logic                           pixel_i,     // go to the next pixel
  input  logic [15:0]                    j_i,
  input  logic [shiftsim_pkg::AddrW-1:0] tw_i,
  input  logic [shiftsim_pkg::AddrW-1:0] x_inc_i,
  input  logic [shiftsim_pkg::AddrW-1:0] row_inc_i,
  output logic                           active_o,
  output logic [shiftsim_pkg::AddrW-1:0] xa_o
);
  localparam int AddrW = shiftsim_pkg::AddrW;
  localparam int RemW  = shiftsim_pkg::RemW;
  localparam int SlotW = 2 * AddrW + RemW;

  logic [SlotW-1:0]       slot0_q, slot1_q;
  logic [AddrW-1:0]       x_q, xa_q;
  logic signed [RemW-1:0] rem_q;
  logic                   row_end;

  assign row_end  = (x_q == tw_i - 1'b1);
  assign active_o = $signed(RemW'(j_i)) < rem_q;
  assign xa_o     = xa_q;

  always_ff @(posedge clk_i) begin
    if (slot_we_i && !slot_half_i) slot0_q <= {slot_x_i, slot_xa_i, slot_rem_i};
    if (slot_we_i && slot_half_i)  slot1_q <= {slot_x_i, slot_xa_i, slot_rem_i};
  end

  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      {x_q, xa_q, rem_q} <= half_i ? slot1_q : slot0_q;
    end else if (pixel_i) begin
      x_q  <= row_end ? '0 : x_q + 1'b1;
      xa_q <= xa_q + (row_end ? row_inc_i : x_inc_i);
    end
  end
endmodule
