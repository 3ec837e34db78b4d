// quantrun: see quantizer/app/quantrun.h.
#include "quantizer/app/quantrun.h"

int main(int argc, char** argv) {
  return shiftsim::quantizer::quantrun_main(argc, argv);
}
