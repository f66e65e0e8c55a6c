/* The platform interface of the example main. */
#ifndef BOARD_H
#define BOARD_H

void board_print(const char *text);

#endif
