#!/bin/sh
# Begins _repack_model.py with what the job was told in its SM_ variables.
exec python3 _repack_model.py \
  --inference_script "${SM_HP_INFERENCE_SCRIPT}" \
  --model_archive "${SM_HP_MODEL_ARCHIVE}" \
  --dependencies "${SM_HP_DEPENDENCIES}" \
  --source_dir "${SM_HP_SOURCE_DIR}"
