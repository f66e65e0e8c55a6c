export const label = "Lab";
