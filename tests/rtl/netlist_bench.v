// A host and a DMA for the netlist of the core, in Icarus: they offer the commands of three files and the words of the
// loads in order, take every store, and write its words to a file. The folder and the numbers of lines are parameters.
`timescale 1ns / 10ps
module netlist_bench;
  parameter LoadCommands = 1, ComputeCommands = 1, StoreCommands = 1, LoadWords = 1;
  parameter DataW = 32, ActW = 32;
  parameter MaxCycles = 3000;  // the tests need hundreds; a core that stands still is told in minutes
  localparam CmdW = 320;
  localparam Half = 50;  // ns: far slower than any path, for the cells' delays are not what is tested here

  reg clk = 0, rst_n = 0;
  always #Half clk = !clk;

  reg [CmdW-1:0]  ld_cmds[0:LoadCommands-1], ex_cmds[0:ComputeCommands-1], st_cmds[0:StoreCommands-1];
  reg [DataW-1:0] words  [0:LoadWords-1];
  integer ld = 0, ex = 0, st = 0, word = 0, due = 0, cycles = 0, quiet = 0, file;

  wire        ld_ready, ex_ready, st_ready, rd_req_valid, rd_data_ready, wr_req_valid, wr_data_valid, idle;
  wire [23:0] rd_count;
  wire [31:0] wr_id;
  wire [ActW-1:0] wr_data;
  wire        ld_valid = ld < LoadCommands, ex_valid = ex < ComputeCommands, st_valid = st < StoreCommands;
  wire        rd_valid = due > 0;

  shiftsim_core core (
    .clk_i(clk), .rst_ni(rst_n),
    .ld_cmd_valid_i(ld_valid), .ex_cmd_valid_i(ex_valid), .st_cmd_valid_i(st_valid),
    .ld_cmd_i(ld_cmds[ld]), .ex_cmd_i(ex_cmds[ex]), .st_cmd_i(st_cmds[st]),
    .ld_cmd_ready_o(ld_ready), .ex_cmd_ready_o(ex_ready), .st_cmd_ready_o(st_ready),
    .rd_req_valid_o(rd_req_valid), .rd_req_count_o(rd_count), .rd_req_ready_i(1'b1),
    .rd_data_valid_i(rd_valid), .rd_data_i(words[word]), .rd_data_ready_o(rd_data_ready),
    .wr_req_valid_o(wr_req_valid), .wr_req_id_o(wr_id), .wr_req_ready_i(1'b1),
    .wr_data_valid_o(wr_data_valid), .wr_data_o(wr_data), .wr_data_ready_i(1'b1), .idle_o(idle));

  initial begin
    $readmemh("load_commands.hex", ld_cmds);
    $readmemh("compute_commands.hex", ex_cmds);
    $readmemh("store_commands.hex", st_cmds);
    $readmemh("load_words.hex", words);
    file = $fopen("stores.txt", "w");
    #(4 * Half) rst_n = 1;
  end

  // What the core shows before the edge counts; what is offered changes behind it.
  always @(negedge clk) if (rst_n) begin : look
    reg ld_taken, ex_taken, st_taken, word_taken;
    integer asked;  // behind the edge the port may show the next request
    ld_taken   = ld_valid && ld_ready;
    ex_taken   = ex_valid && ex_ready;
    st_taken   = st_valid && st_ready;
    word_taken = rd_valid && rd_data_ready;
    asked      = rd_req_valid ? rd_count : 0;
    if (wr_req_valid) $fdisplay(file, "request %0d", wr_id);
    if (wr_data_valid) $fdisplay(file, "word %h", wr_data);
    if ((^{ld_ready, ex_ready, st_ready, rd_req_valid, rd_data_ready, wr_req_valid, wr_data_valid, idle}) === 1'bx) begin
      $display("cycle %0d: a handshake is unknown: ready %b%b%b, read %b%b, write %b%b, idle %b", cycles, ld_ready, ex_ready, st_ready,
               rd_req_valid, rd_data_ready, wr_req_valid, wr_data_valid, idle);
      $finish;
    end
    quiet = (idle && !ld_valid && !ex_valid && !st_valid && !rd_valid) ? quiet + 1 : 0;
    if (quiet == 10) begin
      $fdisplay(file, "done %0d", word);
      $finish;
    end
    cycles = cycles + 1;
    if (cycles == MaxCycles) begin
      $display("not done after %0d cycles: %0d %0d %0d commands taken", cycles, ld, ex, st);
      $finish;
    end
    @(posedge clk);
    #1;
    ld   = ld + ld_taken;
    ex   = ex + ex_taken;
    st   = st + st_taken;
    word = word + word_taken;
    due  = due - word_taken + asked;
  end
endmodule
