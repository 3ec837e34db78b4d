// What the simulation hangs onto the core: the monitor, and the assertions of each module.
bind shiftsim_core shiftsim_monitor #(
  .Pixels(Pixels), .Channels(Channels), .Lanes(Lanes), .PpuLanes(PpuLanes), .AccW(AccW)
) u_monitor (
  .clk_i, .rst_ni,
  .ex_state_i(u_sequencer.state), .ld_state_i(u_load.state), .drain_acc_i(drain_acc), .drain_s_i(drain_s),
  .d_en_i(d_en), .op_lanes_en_i(op_lanes_en), .op_rest_en_i(op_rest_en), .digit_first_en_i(digit_first_en),
  .digit_other_en_i(digit_other_en),
  .e_en_i(e_en), .e_ctl_i(e_ctl), .e_active_i(e_active), .op_i(op), .one_i(one), .two_i(two),
`ifdef SHIFTSIM_OWN_ARRAY
  // An array of another origin need not have these signals inside: what it is told stands for what it does.
  .acc_en_i(e_active & {Pixels{e_en}}), .s_en_i(e_active & {Pixels{e_en && e_ctl.s_add}}),
  .capture_acc_i(e_en && e_ctl.capture), .capture_s_i(e_en && e_ctl.capture_s),
`else
  .acc_en_i(u_array.acc_en), .s_en_i(u_array.s_en), .capture_acc_i(u_array.capture_acc),
  .capture_s_i(u_array.capture_s),
`endif
  .ppu_lane_en_i(u_ppu.lane_en), .ppu_has_offset_i(u_ppu.b1_has_offset_q), .ppu_has_res_i(u_ppu.b1_has_res_q),
  .act_re_i(act_re), .act_we_i(act_we), .wgt_pair_re_i(wgt_pair_re), .wgt_carry_re_i(wgt_carry_re),
  .wgt_we_i(wgt_we), .tab_re_i(tab_re), .tab_we_i(tab_we), .lut_re_i(lut_re), .lut_we_i(lut_we),
  .res_re_i(res_re), .res_we_i(res_we), .out_re_i(out_re), .out_be_i(out_be),
  .ld_push_i(u_load.u_fifo.push_i), .ex_push_i(u_sequencer.u_fifo.push_i), .st_push_i(u_store.u_fifo.push_i),
  .load_word_i(u_load.word), .slot_we_i(slot_we), .setup_i(u_sequencer.setup),
  .pixel_i(u_sequencer.issue && u_sequencer.plane_end),
  .token_take_i({barrier_take, ready_take, credit_take}), .token_give_i({barrier_give, ready_give, credit_give}));
