/* Count the instructions of a forward pass and of a training step under QEMU with -icount shift=0:
   an instruction takes one nanosecond of the emulated clock, which SysTick divides by TICK_NS. */
#include "board.h"
#include "model.h"

#define SYSTICK ((volatile uint32_t *)0xE000E010u) /* control, reload, current */
#define COUNTER_WRAPPED (1u << 16)

static void print_hex(const char *name, uint32_t v)
{
    static const char digits[] = "0123456789abcdef";
    char text[10];
    for (unsigned i = 0; i < 8; i++) {
        text[i] = digits[v >> (28 - 4 * i) & 15u];
    }
    text[8] = '\n';
    text[9] = 0;
    board_print(name);
    board_print(text);
}

static void start(void)
{
    SYSTICK[0] = 0;
    SYSTICK[1] = 0xFFFFFFu;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5; /* enabled, processor clock, no interrupt */
}

static void stop(const char *name)
{
    const uint32_t control = SYSTICK[0], left = SYSTICK[2];
    if (control & COUNTER_WRAPPED) {
        board_print("too long for the counter\n");
    } else {
        print_hex(name, 0xFFFFFFu - left);
    }
}

int main(void)
{
    float loss;
    net_init(1);
    for (int32_t i = 0; i < NET_INPUT_COUNT; i++) {
        net_input()[i] = (int8_t)(i * 37 % 251 - 125);
    }
    start();
    net_forward(net_input());
    stop("forward ");
    start();
    const int code = net_train_step(net_input(), 3, 0.01f, &loss);
    stop("train_step ");
    return code;
}
