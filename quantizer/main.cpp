// quantrun: see quantizer/quantrun.h.
#include "quantizer/quantrun.h"

int main(int argc, char** argv) {
  return shiftsim::quantizer::quantrun_main(argc, argv);
}
