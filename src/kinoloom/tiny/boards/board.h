/* What an example needs of the machine it runs on. */
#ifndef BOARD_H
#define BOARD_H

void board_print(const char *text);

#endif
